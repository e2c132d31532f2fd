"""What a property says about a person, guessed from its name where the project does not say it."""

from __future__ import annotations

import re

from careloom.core.phi import Phi
from careloom.project.schema import RoleName

_NAMES: dict[str, RoleName] = {
    "firstname": "first_name",
    "givenname": "first_name",
    "middlename": "middle_name",
    "middleinitial": "middle_name",
    "lastname": "last_name",
    "surname": "last_name",
    "familyname": "last_name",
    "suffix": "suffix",
    "namesuffix": "suffix",
    "gender": "sex",
    "sex": "sex",
    "email": "email",
    "emailaddress": "email",
    "phone": "phone",
    "phonenumber": "phone",
    "homephone": "phone",
    "mobilephone": "phone",
    "address": "street",
    "address1": "street",
    "addressline1": "street",
    "street": "street",
    "streetaddress": "street",
    "streetaddressline1": "street",
    "address2": "unit",
    "addressline2": "unit",
    "streetaddressline2": "unit",
    "unit": "unit",
    "city": "city",
    "state": "state",
    "zip": "zip",
    "zipcode": "zip",
    "postalcode": "zip",
}
_BIRTH = re.compile(r"birth|(^|_)dob($|_)")
_CONTACT = frozenset({"email", "phone", "street", "unit", "city", "state", "zip"})


def inferred_role(name: str, type_name: str | None) -> RoleName | None:
    """The role of a property called `name`; None where the name says nothing."""
    if type_name in (None, "date") and _BIRTH.search(name.lower()):
        return "birth_date"
    return _NAMES.get(name.lower().replace("_", ""))


def inferred_phi(role: RoleName | None) -> Phi:
    """The class of data that a role makes of a property."""
    if role is None or role == "none":
        return Phi.NONE
    return Phi.CONTACT if role in _CONTACT else Phi.IDENTITY
