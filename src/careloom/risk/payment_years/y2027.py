"""Payment year 2027."""

from __future__ import annotations

from careloom.risk.payment_years.published_year import PaymentYear, PublishedTable, Status
from careloom.risk.payment_years.shared_tables import CODING_MINIMUM, CURRENT, PROPOSAL, RX, RX_BY_PLAN, mapping

PAID_BY = ("V22", "V28", "ESRD-V21", "ESRD-V24")
PAYMENT_YEAR = PaymentYear(
    year=2027,
    tables=(
        mapping("ra_dx_to_cc_2027.csv", (*PAID_BY, PROPOSAL, *RX), "CMS, ICD-10 mappings of payment year 2027"),
        PublishedTable(
            part="coefficients",
            file="ra_coefficients_2026.csv",
            models=PAID_BY,
            status=Status.final,
            source="CMS, Announcement of Calendar Year 2027 MA Capitation Rates (2026-04-06): the 2024 CMS-HCC model is kept, "
            "so its coefficients are those of 2026; the recalibration proposed in January 2026 was not finalised",
        ),
        PublishedTable(
            part="coefficients",
            file="ra_proposed_coefficients_2027.csv",
            models=RX_BY_PLAN,
            status=Status.final,
            source="CMS, Announcement of Calendar Year 2027 Part D: the RxHCC model was finalised as proposed, by kind of plan",
        ),
        PublishedTable(
            part="coefficients",
            file="ra_proposed_coefficients_2027.csv",
            models=(PROPOSAL,),
            status=Status.proposed,
            source="CMS, Advance Notice of Calendar Year 2027 (January 2026): a recalibration that the Announcement did not "
            "finalise",
        ),
        *CURRENT,
    ),
    normalization={
        "V22": 1.202,
        "V28": 1.079,
        "ESRD-V21": 1.145,
        "ESRD-V24": 1.072,
        "RX-V08-MAPD": 1.109,
        "RX-V08-PDP": 1.005,
        "RX-V08-PDP-AND-MAPD": 1.237,
    },
    graft_normalization={"ESRD-V21": 1.209, "ESRD-V24": 1.119},
    coding_intensity=CODING_MINIMUM,
    blend={"V28": 1.0},
    pace_blend={"V22": 0.5, "V28": 0.5},  # CMS, Announcement of Calendar Year 2027: half of each
    claims_left_out=("audio-only", "unlinked-chart-review"),  # Rate Announcement of 2026-04-06
)
