"""What the simulated portal is set to, and every fact about the vendor that no one could confirm.

Names under "Unsure" are guesses, written down once so that a correction is one line. Everything else follows the
vendor's public documentation or error bodies quoted in public issue trackers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PORTAL_ID = 4242424
DATED_VERSIONS = frozenset({"2025-09", "2026-03", "2026-09"})
API_VERSIONS = DATED_VERSIONS | {"v3", "v4"}

MOST_INPUTS = 100
MOST_INPUTS_WITH_HISTORY = 50
MOST_CHARACTERS = 65_536
MOST_UNIQUE_PROPERTIES = 10
MOST_SEARCH_RESULTS = 10_000
MOST_SEARCH_PAGE = 200
MOST_FILTER_GROUPS = 5
MOST_FILTERS_IN_GROUP = 6
MOST_FILTERS = 18
MOST_QUERY_CHARACTERS = 3_000
MOST_LIST_PAGE = 100
MOST_LIST_PAGE_WITH_HISTORY = 50
MOST_OWNERS_PAGE = 500
MOST_ASSOCIATION_PAGE = 500
MOST_LABELS = 10
MOST_LISTS_FOUND = 500
MOST_MEMBERS_PAGE = 250
MOST_MEMBERS_CHANGED = 100_000
MOST_IMPORTS_AT_ONCE = 3
MOST_IMPORT_ROWS = 1_048_576
MOST_IMPORT_BYTES = 512 * 1024 * 1024
BIN_DAYS = 90
SEARCHES_PER_SECOND = 5

# Quoted in public issue trackers and probes of real portals.
REQUIRED_TEXT = "Error creating {object}. Some required properties were not set."
FIELDS_TEXT = "Invalid input JSON on line 1, column 2. Some required fields were not set: [{names}]"
NOTHING_TO_CHANGE = "No properties found to update, please provide at least one."

# ---------------------------------------------------------------- Unsure

# 2026-09 declares no 207: whether it answers partial failures with 200 or 207 was not observed.
PARTIAL_STATUS: Mapping[str, int] = {"2026-09": 200}
# v4 answers 204 to an association batch archive; 2026-09 declares 200.
ASSOCIATION_ARCHIVE_STATUS: Mapping[str, int] = {"2026-09": 200}
TOO_MANY_INPUTS = "The maximum number of inputs supported in a batch request is {most}. Please reduce the number of items and try again"
TOO_MANY_HISTORIES = (
    "The maximum number of inputs supported in a batch request for property histories is {most}. "
    "Please reduce the number of items and try again"
)
DUPLICATE_INPUTS = "Duplicate IDs found in batch input: [{ids}]. IDs must be unique"
BEYOND_SEARCH_END = "You can only retrieve the first 10,000 results of a search"
TOO_MANY_FILTERS = "Too many filters in the search request: at most 5 filterGroups, 6 filters each and 18 in all"
BAD_FIELD_TEXT = "Invalid input JSON on line 1, column 1: Cannot deserialize value of field {name}"
BAD_SEARCH = "There was a problem with the request."
NUMBER_CODE = "INVALID_NUMBER"
NUMBER_TEXT = "{value} was not a valid number."
DATE_TEXT = "{value} was not a valid date."
TOO_LONG_CODE = "VALUE_TOO_LONG"
TOO_LONG_TEXT = 'Property "{name}" may not have more than 65536 characters.'
ONE_OF_TEXT = "At least one of the following properties is required to create a contact: email, firstname, lastname"
# Association batches: 2,000 to create or archive, 1,000 to read.
MOST_TIES_WRITTEN = 2_000
MOST_TIES_READ = 1_000
# Association types for pairs of custom objects, and labels made by the user, are numbered from here.
FIRST_FREE_ASSOCIATION_TYPE = 3_000
# Properties without which an object cannot be created (one inner name of a pair is enough).
REQUIRED_ON_CREATE: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "tickets": (("hs_pipeline_stage",),),
    "services": (("hs_pipeline_stage",),),
    "meetings": (("hs_timestamp", "hs_meeting_start_time"),),
    "notes": (("hs_timestamp",),),
    "calls": (("hs_timestamp",),),
    "emails": (("hs_timestamp",),),
    "tasks": (("hs_timestamp",),),
    "communications": (("hs_timestamp",),),
    "postal_mail": (("hs_timestamp",),),
}
LEAD_ALONE = "A lead must be associated with a contact or a company when it is created"
# Lists: only the sub-category of a name that is taken is known.
DUPLICATE_LIST_NAME = "A list with the name '{name}' already exists"
LIST_NOT_FOUND = "List {id} does not exist"
BAD_PROCESSING_TYPE = "processingType must be MANUAL, SNAPSHOT, or DYNAMIC with a filterBranch"
LIST_CHOOSES_ITSELF = "List {id} is dynamic: its members cannot be changed by hand"
# Imports: which of the documented error types a refused value is told as.
IMPORT_NOT_FOUND = "Import {id} does not exist"
TOO_LARGE_IMPORT = "An import may have at most 1,048,576 rows and 512 MB"
IMPORT_ERRORS: Mapping[str, str] = {
    "INVALID_NUMBER": "COULD_NOT_PARSE_NUMBER",
    "INVALID_DATE": "COULD_NOT_PARSE_DATE",
    "INVALID_LONG": "COULD_NOT_PARSE_DATE",
    "INVALID_OPTION": "INVALID_ENUMERATION_OPTION",
    "INVALID_EMAIL": "INVALID_EMAIL",
    "PROPERTY_DOESNT_EXIST": "PROPERTY_DEFINITION_NOT_FOUND",
}
# A secondary mail address finds its contact wherever email may be used in place of an id.
SECONDARY_MAILS_ADDRESS = True
# PATCH of a merged-away id changes the survivor (batch/update leaves it out; that part is known).
PATCH_FOLLOWS_MERGE = True
# Refused requests do not count towards the ten-second limit.
REFUSED_REQUESTS_COUNT = False
MOST_CUSTOM_OBJECTS = 10

# ---------------------------------------------------------------- Tiers


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What a subscription allows: requests in ten seconds and a day, for each app and the account.

    `unlimited` is not sold by HubSpot: it states limits that no program reaches, since a client that is told none must
    keep to the smallest.
    """

    name: str
    in_ten_seconds: int
    in_a_day: int
    enterprise: bool


TIERS: Mapping[str, Tier] = {
    tier.name: tier
    for tier in (
        Tier(name="free", in_ten_seconds=100, in_a_day=250_000, enterprise=False),
        Tier(name="starter", in_ten_seconds=100, in_a_day=250_000, enterprise=False),
        Tier(name="pro", in_ten_seconds=190, in_a_day=625_000, enterprise=False),
        Tier(name="enterprise", in_ten_seconds=190, in_a_day=1_000_000, enterprise=True),
        Tier(name="limit-increase", in_ten_seconds=250, in_a_day=2_000_000, enterprise=True),
        Tier(name="unlimited", in_ten_seconds=100_000, in_a_day=100_000_000, enterprise=True),
    )
}


@dataclass(slots=True, kw_only=True)
class Token:
    """What one access token may do; `scopes` None is everything."""

    scopes: frozenset[str] | None = None
    is_expired: bool = False


@dataclass(slots=True, kw_only=True)
class Settings:
    """The portal's dials; every one can be turned while it runs (`POST /__sim/settings`).

    `search_lag` is in seconds and holds for new records only: changed values and archived records show at once.
    `import_seconds`: how long an import takes. `rate_limit_body`: "documented" carries errorType and policyName, "observed" only category. `unknown_tokens`: whether
    a token that was never named has every scope. `blank_on_email_upsert`: whether an upsert by email clears what it
    leaves out (the vendor says only that partial upserts by email are not supported). `unique_ignores_case`,
    `touch_unchanged` (a write of equal values moves the modified date), `keep_primary_id` (a merge keeps the primary
    record's id) and `lifecycle` settle what differs between portals or was never observed.
    """

    tier: Tier = field(default_factory=lambda: TIERS["enterprise"])
    latency_ms: float = 0.0
    search_lag: float = 2.0
    import_seconds: float = 2.0
    rate_limit_body: Literal["documented", "observed"] = "documented"
    retry_after: bool = False
    oauth: bool = False
    unknown_tokens: bool = True
    shuffle: bool = True
    sensitive_data: bool = True
    blank_on_email_upsert: bool = False
    unique_ignores_case: bool = False
    touch_unchanged: bool = True
    keep_primary_id: bool = False
    lifecycle: Literal["forward", "any"] = "forward"
    time_zone: str = "US/Eastern"
    tokens: dict[str, Token] = field(default_factory=dict)
