"""One FHIR ExplanationOfBenefit, as service lines: FHIR R4 and STU3, CARIN Blue Button, Blue Button 1 to 3, BCDA and DPC."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from careloom.risk.inputs.fhir_people import Namespaces, person_of
from careloom.risk.inputs.fhir_shapes import (
    code_in,
    codings,
    day_of,
    instant,
    last_day,
    not_fhir,
    objects,
    system_name,
    text_at,
)
from careloom.risk.inputs.lines import Line, line_of

BLUE_BUTTON = "bluebutton.cms.gov"
ICD_10 = {"hl7.org/fhir/sid/icd-10-cm", "urn:oid:2.16.840.1.113883.6.90"}
ICD_10_PLAIN = {"hl7.org/fhir/sid/icd-10"}
"""Blue Button 1 gives ICD-10-CM codes under it."""
ICD_9 = re.compile("icd-?9|2[.]16[.]840[.]1[.]113883[.]6[.](103|104)$")
PROCEDURES = {
    "ama-assn.org/go/cpt",
    "urn:oid:2.16.840.1.113883.6.12",
    "cms.gov/medicare/coding/hcpcsreleasecodesets",
    "cms.gov/medicare/coding/medhcpcsgeninfo",
    "terminology.hl7.org/codesystem/hcpcs",
    "terminology.hl7.org/codesystem/hcpcs-all-codes",
    "urn:oid:2.16.840.1.113883.6.285",
    f"{BLUE_BUTTON}/resources/codesystem/hcpcs",
    f"{BLUE_BUTTON}/resources/variables/hcpcs_cd",
    f"{BLUE_BUTTON}/fhir/codesystem/hcpcs-cd",
}
MODIFIERS = PROCEDURES | {f"{BLUE_BUTTON}/fhir/codesystem/hcpcs-mdfr-cd"}
NDC = {"hl7.org/fhir/sid/ndc"}
PLACE = {
    f"{BLUE_BUTTON}/resources/variables/line_place_of_srvc_cd",
    f"{BLUE_BUTTON}/fhir/codesystem/clm-pos-cd",
    "cms.gov/medicare/coding/place-of-service-codes/place_of_service_code_set",
}
SPECIALTY = {f"{BLUE_BUTTON}/resources/variables/prvdr_spclty", f"{BLUE_BUTTON}/fhir/codesystem/clm-prvdr-spclty-cd"}
CMS_TYPE = {f"{BLUE_BUTTON}/resources/variables/nch_clm_type_cd", f"{BLUE_BUTTON}/fhir/codesystem/clm-type-cd"}
EOB_TYPE = {f"{BLUE_BUTTON}/resources/codesystem/eob-type", f"{BLUE_BUTTON}/fhir/codesystem/eob-type"}
CLAIM_TYPE = {"terminology.hl7.org/codesystem/claim-type", "hl7.org/fhir/ex-claimtype"}
BILLED = {"INPATIENT", "OUTPATIENT", "HHA", "HOSPICE", "SNF"}
TYPE_OF_BILL = "nubc.org/codesystem/typeofbill"
BILL = re.compile("0?([1-9])([0-9])([0-9A-Za-z])?")
FACILITY, SERVICE, FREQUENCY = (
    {"clm_fac_type_cd", "clm-bill-fac-type-cd"},
    {"clm_srvc_clsfctn_type_cd", "clm-bill-clsfctn-cd"},
    {"clm_freq_cd", "clm-bill-freq-cd"},
)
KINDS = {
    "principal": "principal",
    "secondary": "other",
    "other": "other",
    "discharge": "other",
    "clinical": "other",
    "admitting": "admitting",
    "patientreasonforvisit": "reason-for-visit",
    "reason-for-visit": "reason-for-visit",
    "externalcauseofinjury": "external-cause",
    "external": "external-cause",
    "external-first": "external-cause",
}
"""What a diagnosis is, by its type's code; any other type is unconfirmed."""
COUNTED = ("principal", "other")
RELATED_NUMBERS = ("reference", "claim")
PRIOR, REPLACED_BY = {"prior", "replaces"}, {"replacedby", "replaced-by"}
CLAIM_GROUP = f"{BLUE_BUTTON}/resources/identifier/claim-group"
"""All versions of a claim have the same one, so it names none of them."""


def lines_of(claim: Mapping[str, Any], patients: Mapping[str, Any], spaces: Namespaces) -> Iterator[Line]:
    """The service lines of a claim; one without a procedure if none of its items has a CPT, HCPCS or NDC code.

    Raises:
        Hold: it has another shape than FHIR's, a day that no calendar has, or it names no person.

    """
    head = _head(claim, patients, spaces)
    items = [service for item in objects(claim, "item") if (service := _service(item, head))]
    for service in items or [{"service_date": head["through_date"], "modifiers": [], "linked_diagnosis_codes": []}]:
        yield line_of(**head["of_claim"], through_date=head["through_date"], **service)


def _head(claim: Mapping[str, Any], patients: Mapping[str, Any], spaces: Namespaces) -> dict[str, Any]:
    kind = next(iter(objects(claim, "type")), {})
    facility, service, frequency = _bill(claim, kind)
    by_sequence, codes, kinds, reasons = _diagnoses(claim)
    refers_to, is_replaced = _related_claims(claim)
    action = {"7": "replacement", "8": "void"}.get(frequency or "")
    moment = next(iter(objects(claim, "meta")), {}).get("lastUpdated")
    of_claim = {
        "person_id": person_of(claim, patients, spaces),
        "claim_id": text_at(claim, "id"),
        "claim_numbers": _numbers(claim),
        "format": "fhir",
        "claim_type": code_in(kind, CMS_TYPE) or code_in(kind, CLAIM_TYPE),
        "institutional": _is_institutional(kind),
        "facility_type": facility,
        "service_type": service,
        "frequency": frequency,
        **{name: text_at(claim, name) for name in ("status", "use", "outcome")},
        "action": action or ("replacement" if refers_to else None),
        "refers_to": refers_to,
        "replaced": is_replaced,
        "sent": instant(moment) or instant(claim.get("created")),
        "provider_specialty": _specialty(claim),
        "diagnosis_codes": codes,
        "diagnosis_kinds": kinds,
        "uncounted_diagnoses": reasons,
    }
    return {"of_claim": of_claim, "through_date": last_day(claim.get("billablePeriod")), "diagnoses": by_sequence}


def _service(item: Mapping[str, Any], head: Mapping[str, Any]) -> dict[str, Any] | None:
    """An item's line; nothing for one without a code, as a revenue center is."""
    concept = next(iter(objects(item, "productOrService") or objects(item, "service")), {})
    procedure = code_in(concept, PROCEDURES)
    ndc = code_in(concept, NDC) or _extension_code(concept, NDC)
    if procedure is None and ndc is None:
        return None
    place = next(iter(objects(item, "locationCodeableConcept")), {})
    sequences = item.get("diagnosisSequence") or []
    if not isinstance(sequences, list):
        raise not_fhir()
    linked_codes = [head["diagnoses"][key] for key in map(str, sequences) if key in head["diagnoses"]]
    service_day = day_of(text_at(item, "servicedDate")) or last_day(item.get("servicedPeriod"))
    return {
        "procedure_code": procedure,
        "modifiers": [code for part in objects(item, "modifier") if (code := code_in(part, MODIFIERS))],
        "ndc": ndc,
        "place_of_service": code_in(place, PLACE),
        "service_date": service_day or head["through_date"],
        "linked_diagnosis_codes": linked_codes,
    }


def _extension_code(parent: Mapping[str, Any], systems: set[str]) -> str | None:
    extensions = (
        text_at(coding, "code")
        for extension in objects(parent, "extension")
        if system_name(text_at(extension, "url")) in systems
        for coding in objects(extension, "valueCoding")
    )
    return next((code for code in extensions if code), None)


def _specialty(claim: Mapping[str, Any]) -> str | None:
    performing = (
        member
        for member in objects(claim, "careTeam")
        if any(code in {"performing", "rendering"} for role in objects(member, "role") for _, code in codings(role))
    )
    qualification = next((next(iter(objects(member, "qualification")), {}) for member in performing), {})
    return code_in(qualification, SPECIALTY)


def _is_institutional(kind: Mapping[str, Any]) -> bool:
    """Whether the claim is a bill. Blue Button 1 calls its outpatient bills professional beside their own type."""
    own_kind = code_in(kind, EOB_TYPE)
    return own_kind in BILLED if own_kind else code_in(kind, CLAIM_TYPE) == "institutional"


# ---------------------------------------------------------------- the type of bill


def _bill(claim: Mapping[str, Any], kind: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """The three digits of the type of bill: as one code (CARIN), or each by itself (Blue Button)."""
    information = [*objects(claim, "supportingInfo"), *objects(claim, "information")]
    codes = [pair for entry in information for concept in objects(entry, "code") for pair in codings(concept)]
    bill_type = next((BILL.fullmatch(code) for system, code in codes if system == TYPE_OF_BILL), None)
    facility = next(iter(objects(claim, "facility")), {})
    extensions = [
        (system_name(text_at(extension, "url")), code)
        for parent in (claim, facility, kind)
        for extension in objects(parent, "extension")
        for coding in objects(extension, "valueCoding")
        if (code := text_at(coding, "code"))
    ]
    digits = [*extensions, *codings(kind), *codes]
    parts = [_digit(digits, names) for names in (FACILITY, SERVICE, FREQUENCY)]
    if bill_type is None:
        return parts[0], parts[1], parts[2]
    return bill_type[1], bill_type[2], (bill_type[3] or parts[2] or "").upper() or None


def _digit(codes: list[tuple[str, str]], names: set[str]) -> str | None:
    return next((code for system, code in codes if system.rpartition("/")[2] in names and len(code) == 1), None)


# ---------------------------------------------------------------- diagnoses


def _diagnoses(claim: Mapping[str, Any]) -> tuple[dict[str, str], list[str], list[str], list[str]]:
    """The ICD-10-CM codes by their numbers, all of them, what each is, and why others are not ICD-10-CM codes."""
    by_sequence: dict[str, str] = {}
    codes, kinds, reasons = [], [], []
    for diagnosis in objects(claim, "diagnosis"):
        concept = next(iter(objects(diagnosis, "diagnosisCodeableConcept")), {})
        code = code_in(concept, ICD_10) or code_in(concept, ICD_10_PLAIN)
        if code is None:
            reasons.append(_reason_without_code(concept))
            continue
        by_sequence[str(diagnosis.get("sequence"))] = code
        codes.append(code)
        kinds.append(_kind(diagnosis))
    return by_sequence, codes, kinds, reasons


def _reason_without_code(concept: Mapping[str, Any]) -> str:
    systems = [system for system, _ in codings(concept)]
    if not systems:
        return "no-code"
    return "icd-9" if any(ICD_9.search(system) for system in systems) else "another-system"


def _kind(diagnosis: Mapping[str, Any]) -> str:
    """What a diagnosis is; of several types, one that counts."""
    types = [code.lower() for part in objects(diagnosis, "type") for _, code in codings(part)]
    kinds = [KINDS.get(code, "unconfirmed") for code in types] or ["other"]
    return next((kind for kind in COUNTED if kind in kinds), kinds[0])


# ---------------------------------------------------------------- other claims


def _numbers(claim: Mapping[str, Any]) -> list[str]:
    own_numbers = [
        value
        for identifier in objects(claim, "identifier")
        if system_name(text_at(identifier, "system")) != CLAIM_GROUP and (value := text_at(identifier, "value"))
    ]
    return [*own_numbers, *(number for reference in objects(claim, "claim") for number in _names_of(reference))]


def _related_claims(claim: Mapping[str, Any]) -> tuple[list[str], bool]:
    """The numbers of the claims that this one replaces, and whether another one replaces it."""
    prior: list[str] = []
    is_replaced = False
    for relation in objects(claim, "related"):
        kinds = {code.lower() for concept in objects(relation, "relationship") for _, code in codings(concept)}
        is_replaced |= bool(kinds & REPLACED_BY)
        if kinds & PRIOR:
            parts = [part for name in RELATED_NUMBERS for part in objects(relation, name)]
            prior += [number for part in parts for number in _names_of(part)]
    return prior, is_replaced


def _names_of(part: Mapping[str, Any]) -> list[str]:
    """What a Reference or an Identifier names: the id of the resource, and the number."""
    reference = text_at(part, "reference") or ""
    name = reference.partition("/_history/")[0].rpartition("/")[2]
    inner = [text_at(identifier, "value") for identifier in objects(part, "identifier")]
    return [number for number in (name, text_at(part, "value"), *inner) if number]
