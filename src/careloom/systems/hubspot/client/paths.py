"""Where everything lives: the addresses of one API version.

Numbered (v3, with v4 associations) and date-based versions differ only in where the version stands in the path; the
date-based paths are those of HubSpot's own SDK for 2026-03.
"""

from __future__ import annotations

from dataclasses import dataclass

NUMBERED = "v3"
VERSION_PATTERN = r"^(v3|20\d\d-\d\d(-beta)?)$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The addresses of `version`: "v3", or a date such as "2026-03"."""

    version: str

    def objects(self, object_type: str) -> str:
        """Records of one object; `object_type` is a name or a type id such as "2-123"."""
        if self.version == NUMBERED:
            return f"/crm/v3/objects/{object_type}"
        return f"/crm/objects/{self.version}/{object_type}"

    def properties(self, object_type: str) -> str:
        """Property definitions of one object."""
        if self.version == NUMBERED:
            return f"/crm/v3/properties/{object_type}"
        return f"/crm/properties/{self.version}/{object_type}"

    def schemas(self) -> str:
        """Definitions of custom objects."""
        return f"/crm-object-schemas/{self.version}/schemas"

    def associations(self, from_type: str, to_type: str) -> str:
        """Ties from one object to another; v3 means v4 here, as HubSpot never had labels in v3."""
        if self.version == NUMBERED:
            return f"/crm/v4/associations/{from_type}/{to_type}"
        return f"/crm/associations/{self.version}/{from_type}/{to_type}"

    def owners(self) -> str:
        """The portal's users who may own records."""
        return "/crm/v3/owners" if self.version == NUMBERED else f"/crm/owners/{self.version}"

    def pipelines(self, object_type: str) -> str:
        """Pipelines and their stages."""
        if self.version == NUMBERED:
            return f"/crm/v3/pipelines/{object_type}"
        return f"/crm/pipelines/{self.version}/{object_type}"

    def account(self) -> str:
        """The portal itself."""
        return f"/account-info/{self.version}/details"

    @staticmethod
    def token_info() -> str:
        """What a private app's token may do; its path has no version of the CRM's."""
        return "/oauth/v2/private-apps/get/access-token-info"

    def custom_object_limit(self) -> str:
        """How many custom objects the portal may define."""
        if self.version == NUMBERED:
            return "/crm/v3/limits/custom-object-types"
        return f"/crm/limits/{self.version}/custom-object-types"
