"""Records as HubSpot answers them: read, merged ids included, and compared with what was sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any, TypeVar

from careloom.core.ports import RemoteRecord
from careloom.systems.hubspot.client import bodies
from careloom.systems.hubspot.client.http import Client, refused
from careloom.systems.hubspot.client.paths import Paths
from careloom.vendor_kit.call import Call
from careloom.vendor_kit.status import NOT_FOUND

T = TypeVar("T")
BATCH = 100
EMAIL = "email"
ADDITIONAL_EMAILS = "hs_additional_emails"
# Former ids of a record. The second is older, holds "id:when;…", and only contacts have it.
MERGED = "hs_merged_object_ids"
MERGED_VIDS = "hs_calculated_merged_vids"
_NOON_TEXT = 10  # a date without a time, YYYY-MM-DD


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """`items` in lists of at most `size`."""
    remaining = iter(items)
    while chunk := list(islice(remaining, size)):
        yield chunk


def record_of(result: Mapping[str, Any], properties: Iterable[str]) -> RemoteRecord:
    """A record out of an answer; a property that it lacks is None, as for one that has no value."""
    values = result.get("properties") or {}
    return RemoteRecord(
        id=str(result["id"]),
        values={name: values.get(name) for name in properties},
        updated_at=str(result.get("updatedAt") or ""),
        archived=bool(result.get("archived")),
        merged_ids=merged_ids(values),
    )


def merged_ids(values: Mapping[str, str | None]) -> tuple[str, ...]:
    """Former ids that now mean this record."""
    text = f"{values.get(MERGED) or ''};{values.get(MERGED_VIDS) or ''}"
    ids = (entry.partition(":")[0].strip() for entry in text.split(";"))
    return tuple(dict.fromkeys(record_id for record_id in ids if record_id and record_id != values.get("hs_object_id")))


def asked(properties: Iterable[str]) -> list[str]:
    """The properties to ask for: those wanted, and those that tell of merges (left out silently where unknown)."""
    return list(dict.fromkeys((*properties, MERGED, MERGED_VIDS)))


class Reader:
    """Reads records of one portal by what addresses them."""

    def __init__(self, client: Client, paths: Paths) -> None:
        self._client = client
        self._paths = paths

    def by_id(self, object_type: str, ids: Sequence[str], properties: Sequence[str]) -> dict[str, RemoteRecord]:
        """Live records by the id asked for; a merged id gives its survivor."""
        records: dict[str, RemoteRecord] = {}
        for chunk in chunks(dict.fromkeys(ids), BATCH):
            asked_ids = set(chunk)
            for result in self._batch(object_type, chunk, properties):
                record = record_of(result, properties)
                records.update(
                    (record_id, record) for record_id in (record.id, *record.merged_ids) if record_id in asked_ids
                )
            absent = [record_id for record_id in chunk if record_id not in records]
            if len(absent) > 1:
                absent = self._not_archived(object_type, absent)
            # A batch read may leave merged ids out; a single read follows them.
            for record_id in absent:
                single = self._single(object_type, record_id, properties)
                if single is not None:
                    records[record_id] = single
        return records

    def by_key(
        self, object_type: str, key: str, values: Sequence[str], properties: Sequence[str]
    ) -> dict[str, RemoteRecord]:
        """Live records by the value of the unique property `key`, secondary mail addresses included.

        Answers are keyed by `folded` values.
        """
        records: dict[str, RemoteRecord] = {}
        names = list(dict.fromkeys((*properties, key, *([ADDITIONAL_EMAILS] if key == EMAIL else []))))
        for chunk in chunks(dict.fromkeys(values), BATCH):
            for result in self._batch(object_type, chunk, names, key=key):
                record = record_of(result, names)
                for value in unique_values(record.values, key):
                    records[folded(value)] = record
        return records

    def histories(
        self, object_type: str, ids: Sequence[str], properties: Sequence[str]
    ) -> dict[str, Mapping[str, Any]]:
        """The kept versions of the properties of these records, by id; at most 50 at a time."""
        versions_of: dict[str, Mapping[str, Any]] = {}
        for result in self._batch(object_type, ids, properties, history=properties):
            versions = result.get("propertiesWithHistory")
            versions_of[str(result["id"])] = versions if isinstance(versions, dict) else {}
        return versions_of

    def _not_archived(self, object_type: str, ids: Sequence[str]) -> list[str]:
        """Those of `ids` that are not in the bin: one request spares a single read for each of the others."""
        bin_ids = {str(record_id["id"]) for record_id in self._batch(object_type, ids, (), in_archive=True)}
        return [record_id for record_id in ids if record_id not in bin_ids]

    def _batch(
        self,
        object_type: str,
        ids: Sequence[str],
        properties: Sequence[str],
        *,
        key: str | None = None,
        in_archive: bool = False,
        history: Sequence[str] = (),
    ) -> list[dict[str, Any]]:
        body: dict[str, object] = {"inputs": [{"id": item} for item in ids], "properties": asked(properties)}
        if key is not None:
            body["idProperty"] = key
        if history:
            body["propertiesWithHistory"] = list(history)
        path = f"{self._paths.objects(object_type)}/batch/read"
        call = Call(
            method="POST",
            repeatable=True,
            path=path,
            query={"archived": str(in_archive).lower()},
            body=body,
            records=len(ids),
            gives=bodies.batch,
        )
        answer = self._client.send(call)
        if answer.status == NOT_FOUND:  # none of them is there
            return []
        if not answer.ok:
            raise refused(call, answer, quote=False)
        return [item for item in answer.body.get("results") or () if bool(item.get("archived")) is in_archive]

    def _single(self, object_type: str, record_id: str, properties: Sequence[str]) -> RemoteRecord | None:
        path = self._paths.objects(object_type)
        call = Call(
            method="GET",
            path=f"{path}/{record_id}",
            template=f"{path}/{{id}}",
            query={"properties": ",".join(asked(properties)), "archived": "false"},
            records=1,
            gives=bodies.single,
        )
        answer = self._client.send(call)
        if answer.ok and not answer.body.get("archived"):
            return record_of(answer.body, properties)
        if answer.ok or answer.status in (NOT_FOUND, 400):
            return None
        raise refused(call, answer, quote=False)


def unique_values(values: Mapping[str, str | None], key: str) -> list[str]:
    """The values of `key` by which a record is found: for mail addresses the secondary ones too."""
    value = values.get(key)
    mails = [value] if value else []
    if key == EMAIL:
        mails += [mail for mail in (values.get(ADDITIONAL_EMAILS) or "").split(";") if mail]
    return mails


def folded(value: str) -> str:
    """A unique value in the form in which HubSpot compares it."""
    return value.strip().casefold()


def same(own_value: str, remote_value: str | None) -> bool:
    """Whether `remote_value` is what HubSpot makes of `own_value`: it lower-cases mails and rewrites numbers, dates and lists.

    Wrongly False costs one more write; wrongly True is what must not be, so only rewritings known to happen count.
    """
    remote_value = remote_value or ""
    if own_value.strip() == remote_value.strip() or ("@" in own_value and folded(own_value) == folded(remote_value)):
        return True
    if not own_value or not remote_value:
        return False
    if ";" in own_value or ";" in remote_value:
        return _options(own_value) == _options(remote_value)
    moments = _moment(own_value), _moment(remote_value)
    if None not in moments:
        return moments[0] == moments[1]
    numbers = _number(own_value), _number(remote_value)
    return numbers[0] is not None and numbers[0] == numbers[1]


def same_values(own_values: Mapping[str, str], remote_values: Mapping[str, str | None]) -> bool:
    """Whether every property that was sent is held."""
    return all(same(value, remote_values.get(name)) for name, value in own_values.items())


def _options(text: str) -> frozenset[str]:
    return frozenset(option for option in text.split(";") if option)


def _moment(text: str) -> datetime | None:
    if len(text) < _NOON_TEXT or text[4:5] != "-":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
