"""What the simulated portal is set to, and every fact about the vendor that nobody could confirm.

Names under "Unsure" are guesses, written down once so that a correction is one line. Everything else follows the
vendor's public documentation or error bodies quoted in public issue trackers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PORTAL_ID = 4242424
API_VERSIONS = frozenset({"v1", "v2", "v3", "v4", "2025-09", "2026-03", "2026-09"})

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
MOST_ASSOCIATION_PAGE = 500
MOST_LABELS = 10
BIN_DAYS = 90
SEARCHES_PER_SECOND = 5

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
BAD_SEARCH = "There was a problem with the request."
NUMBER_CODE = "INVALID_NUMBER"
NUMBER_TEXT = "{value} was not a valid number."
DATE_TEXT = "{value} was not a valid date."
TOO_LONG_CODE = "VALUE_TOO_LONG"
TOO_LONG_TEXT = 'Property "{name}" may not have more than 65536 characters.'
REQUIRED_CODE = "REQUIRED_FIELD"
REQUIRED_TEXT = 'Error creating {object}. Some required properties were not set. "{name}" is required.'
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

    `unlimited` is none that HubSpot sells: it states limits that no program reaches, since a client that is told none must
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
    expired: bool = False


@dataclass(slots=True, kw_only=True)
class Settings:
    """The portal's dials; every one can be turned while it runs (`POST /__sim/settings`).

    `search_lag` is in seconds and holds for new records only: changed values and archived records show at once.
    `rate_limit_body`: "documented" carries errorType and policyName, "observed" only category. `unknown_tokens`: whether
    a token that was never named has every scope. `blank_on_email_upsert`: whether an upsert by email clears what it
    leaves out (the vendor says only that partial upserts by email are not supported). `unique_ignores_case`,
    `touch_unchanged` (a write of equal values moves the modified date), `keep_primary_id` (a merge keeps the primary
    record's id) and `lifecycle` settle what differs between portals or was never observed.
    """

    tier: Tier = field(default_factory=lambda: TIERS["enterprise"])
    latency_ms: float = 0.0
    search_lag: float = 2.0
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
