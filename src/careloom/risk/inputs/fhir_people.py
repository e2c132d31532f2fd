"""Whose a FHIR claim is: the person that its `patient` refers to, by every way that FHIR R4 has to refer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from careloom.core.errors import Hold
from careloom.risk.inputs.fhir_shapes import codings, objects, text_at

LITERAL = re.compile(r"(?:(?P<server>https?://[^?#\s]+)/|/)?Patient/(?P<id>[^/?#|\s]+)(?:/_history/[^/?#\s]+)?")
MEMBER = {"MB", "UM"}
"""Types of an identifier that is a member's number: v2-0203 and CARIN Blue Button."""


@dataclass(slots=True)
class Namespaces:
    """The server and the identifier system that the people of one reading are named by: the first ones seen.

    Two servers give the same id to different people.
    """

    first_values: dict[str, str] = field(default_factory=dict)

    def check(self, kind: str, space: str | None) -> None:
        """Hold what is named in another space than those before it."""
        if space and self.first_values.setdefault(kind, space) != space:
            raise Hold(
                "another-server",
                f"its patient is named by another {kind} than those before; the same id may be somebody else there: "
                f"read each {kind}'s files by themselves",
            )


def person_of(claim: Mapping[str, Any], patients: Mapping[str, Any], spaces: Namespaces) -> str:
    """The id of the claim's person. `patients` are the Patient resources of its bundle by their full address.

    Raises:
        Hold: no one is named, or no one can be found by what is said.

    """
    patient = claim.get("patient")
    if patient is None:
        raise Hold("no-person", "the claim does not say whose it is")
    if not isinstance(patient, dict):
        raise Hold("bad-claim", "the claim is not an ExplanationOfBenefit as FHIR R4 has it")
    reference = text_at(patient, "reference")
    if reference is None:
        return _by_identifier(objects(patient, "identifier"), spaces)
    if reference.startswith("#"):
        inside = {f"#{text_at(resource, 'id')}": resource for resource in objects(claim, "contained")}
        return _of_resource(inside.get(reference), spaces, local=True)
    if reference.lower().startswith("urn:"):
        return _of_resource(patients.get(reference), spaces, local=False)
    literal = LITERAL.fullmatch(reference)
    if literal is None:
        raise Hold("no-person", "the claim's patient is no reference to a Patient")
    spaces.check("server", literal["server"])
    return literal["id"]


def _of_resource(patient: Any, spaces: Namespaces, *, local: bool) -> str:
    """A resource's id, or where that is only its place in the claim (`local`), its identifier."""
    if not isinstance(patient, dict) or patient.get("resourceType") != "Patient":
        raise Hold("no-person", "the claim's patient is not among what came with it")
    name = None if local else text_at(patient, "id")
    return name or _by_identifier(objects(patient, "identifier"), spaces)


def _by_identifier(identifiers: list[dict[str, Any]], spaces: Namespaces) -> str:
    with_value = [identifier for identifier in identifiers if text_at(identifier, "value")]
    members = [
        identifier
        for identifier in with_value
        if any(code.upper() in MEMBER for kind in objects(identifier, "type") for _, code in codings(kind))
    ]
    candidates = members or with_value
    if len({identifier["value"] for identifier in candidates}) != 1:
        raise Hold(
            "no-person",
            "the claim does not say whose it is" if not candidates else "its patient has several identifiers",
        )
    spaces.check("identifier system", text_at(candidates[0], "system"))
    return str(candidates[0]["value"])
