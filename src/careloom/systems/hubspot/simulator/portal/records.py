"""The records of one object: live, archived and merged, with the indexes that keep lookups from scanning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from careloom.systems.hubspot.simulator.portal.definitions import Kind
from careloom.systems.hubspot.simulator.portal.record import Record
from careloom.systems.hubspot.simulator.portal.sorted_index import SortedIndex
from careloom.systems.hubspot.simulator.settings import BIN_DAYS, SECONDARY_MAILS_ADDRESS

SECONDARY = "hs_additional_emails"
MERGED = "hs_merged_object_ids"
_DAY_MS = 86_400_000


class Table:
    """All records of one object. Ids count up from the same number in every table: an id alone names nothing."""

    def __init__(self, kind: Kind, first: int) -> None:
        self.kind = kind
        self.records: dict[str, Record] = {}
        self.bin: dict[str, Record] = {}
        self.survivors: dict[str, str] = {}
        self.unique: dict[str, dict[str, str]] = {name: {} for name in kind.unique_names()}
        self.secondary: dict[str, str] = {}
        self.next_number = first
        self.version = 0
        self.newest_seen_ms = 0
        self.orders: dict[str, SortedIndex] = {}
        self.fold_unique = False
        # What searches keep between pages; see search.py.
        self.searches: dict[Any, Any] = {}

    # ------------------------------------------------------------ finding

    def current(self, record_id: str) -> Record | None:
        """The live record of an id, following merges."""
        record = self.records.get(record_id)
        while record is None and record_id in self.survivors:
            record_id = self.survivors[record_id]
            record = self.records.get(record_id)
        return record

    def fold(self, name: str, value: str) -> str:
        """A value of a unique property in the form in which it is compared."""
        return value.strip().lower() if name == "email" or self.fold_unique else value

    def holder(self, name: str, value: str) -> Record | None:
        """The live record that a unique value addresses, a secondary mail address included."""
        key = self.fold(name, value)
        record_id = self.unique[name].get(key)
        if record_id is None and SECONDARY_MAILS_ADDRESS and name == "email":
            record_id = self.secondary.get(key)
        return self.records.get(record_id) if record_id is not None else None

    def archived_by(self, name: str | None, value: str) -> Record | None:
        """A record in the bin, by id or by the value of a unique property."""
        if name is None:
            return self.bin.get(value)
        key = self.fold(name, value)
        return next(
            (record for record in self.bin.values() if self.fold(name, record.values.get(name, "")) == key), None
        )

    # ------------------------------------------------------------ changing

    def insert(self, record: Record) -> None:
        """Put a live record in and index it."""
        self.records[record.id] = record
        self.next_number = max(self.next_number, record.number + 1)
        self.newest_seen_ms = max(self.newest_seen_ms, record.seen_ms)
        self._index(record, record.values)
        self.touch(record)

    def touch(self, record: Record) -> None:
        """Tell searches that a record is not what it was."""
        self.version += 1
        for order in self.orders.values():
            order.dirty[record.number] = record

    def set_values(self, record: Record, changes: Mapping[str, str], now_ms: int, now: str) -> None:
        """Write stored values into a live record; what was checked before is not checked again."""
        for name, holders in self.unique.items():
            if name in changes:
                self._release(holders, name, record)
                if changes[name]:
                    holders[self.fold(name, changes[name])] = record.id
        record.keep(changes)
        record.values.update(changes)
        record.updated_ms, record.updated_at = now_ms, now
        record.values[self.kind.modified_property] = now
        self.touch(record)

    def set_secondary(self, record: Record, mails: Iterable[str]) -> None:
        """Replace a contact's secondary mail addresses."""
        for old in secondary_mails(record):
            if self.secondary.get(old) == record.id:
                del self.secondary[old]
        addresses = list(dict.fromkeys(mails))
        record.values[SECONDARY] = ";".join(addresses)
        for address in addresses:
            self.secondary[address] = record.id

    def remove(self, record: Record) -> None:
        """Take a record out of the live ones and free its unique values."""
        del self.records[record.id]
        for name, holders in self.unique.items():
            self._release(holders, name, record)
        for address in secondary_mails(record):
            self.secondary.pop(address, None)
        self.version += 1
        for order in self.orders.values():
            order.dirty[record.number] = None

    def archive(self, record: Record, now_ms: int, now: str) -> None:
        """Move a record to the bin."""
        self.remove(record)
        record.archived_at = now
        record.updated_ms, record.updated_at = now_ms, now
        self.bin[record.id] = record

    def empty_bin(self, now_ms: int) -> None:
        """Forget what has lain in the bin too long: the oldest stands first."""
        horizon = now_ms - BIN_DAYS * _DAY_MS
        while self.bin and (oldest := next(iter(self.bin.values()))).updated_ms < horizon:
            del self.bin[oldest.id]

    def make_unique(self, name: str) -> None:
        """Begin to index a unique property."""
        holders = self.unique.setdefault(name, {})
        for record in self.records.values():
            if value := record.values.get(name):
                holders[self.fold(name, value)] = record.id

    def _index(self, record: Record, changes: Mapping[str, str]) -> None:
        for name, holders in self.unique.items():
            if value := changes.get(name):
                holders[self.fold(name, value)] = record.id
        for address in secondary_mails(record):
            self.secondary[address] = record.id

    def _release(self, holders: dict[str, str], name: str, record: Record) -> None:
        old = record.values.get(name)
        if old:
            key = self.fold(name, old)
            if holders.get(key) == record.id:
                del holders[key]

    # ------------------------------------------------------------ order

    def order(self, name: str) -> SortedIndex:
        """The live records in ascending order of a property; kept up to date from the first time it is asked for."""
        index = self.orders.get(name)
        if index is None:
            if len(self.orders) >= MOST_ORDERS:
                self.orders.pop(next(iter(self.orders)))
            index = self.orders[name] = SortedIndex(self.kind, name)
            index.rebuild(self.records.values())
        else:
            index.settle(self.records.values())
        return index

    def after(self, number: int, limit: int) -> Iterator[Record]:
        """The first live records with an id at or above `number`, in order of id."""
        order = self.order("hs_object_id")
        first = order.place(number)
        return (entry[2] for entry in order.entries[first : first + limit])


MOST_ORDERS = 6


def secondary_mails(record: Record) -> list[str]:
    """A contact's secondary mail addresses."""
    addresses = record.values.get(SECONDARY)
    return [address for address in addresses.split(";") if address] if addresses else []


def new_record(kind: Kind, number: int, values: dict[str, str], now_ms: int, now: str) -> Record:
    """A new record with the properties that the portal itself fills in."""
    record = Record(number, values, now_ms, now)
    values["hs_object_id"] = record.id
    values[kind.created_property] = now
    values[kind.modified_property] = now
    if kind.name == "contacts":
        _complete_contact(record, now)
    elif kind.name == "companies" and values.get("domain") and not values.get("website"):
        values["website"] = values["domain"]
    return record


def _complete_contact(record: Record, now: str) -> None:
    values = record.values
    values["hs_all_contact_vids"] = record.id
    values["hs_is_contact"] = "true"
    values["hs_is_unworked"] = "true"
    values["hs_pipeline"] = "contacts-lifecycle-pipeline"
    mail = values.get("email")
    if mail:
        values["hs_email_domain"] = mail[mail.rfind("@") + 1 :]
    stage = values.get("lifecyclestage")
    if stage:
        values[f"hs_lifecyclestage_{stage}_date"] = now
