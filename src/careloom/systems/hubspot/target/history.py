"""Edits by staff that came between our read of a record and our write to it, seen in the history of its properties.

The API has no conditional write: a batch takes what it is given, whatever was there. But each version of a property is
kept, so that a look after the write shows what it replaced. 50 records a request, and only of writes that say what they
mean to replace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from careloom.core.errors import CareloomError
from careloom.core.log import LOG
from careloom.core.ports import Batch, Outcome, Write
from careloom.systems.hubspot.target.records import Reader, chunks, same

HISTORY_BATCH = 50


def with_overtaken(reader: Reader, object_type: str, batch: Batch, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes, each with the values that its write replaced and did not mean to.

    Where the history cannot be read the writes stand as they are: they were acknowledged.
    """
    writes_watched = {
        str(outcome.remote_id): write
        for write, outcome in zip(batch.writes, outcomes, strict=True)
        if write.seen and outcome.verdict == "ok" and outcome.remote_id
    }
    overtaken: dict[str, dict[str, str]] = {}
    for chunk in chunks(writes_watched.items(), HISTORY_BATCH):
        names = sorted({name for _, write in chunk for name in write.seen})
        try:
            histories = reader.histories(object_type, [remote_id for remote_id, _ in chunk], names)
        except CareloomError as error:
            LOG.warning(
                "write.not_verified",
                message="records were written and could not be read back",
                object=object_type,
                error=type(error).__name__,
            )
            continue
        for remote_id, write in chunk:
            overtaken[write.key] = _overtaken(write, histories.get(remote_id, {}))
    return [
        replace(outcome, overtaken=overtaken[write.key]) if overtaken.get(write.key) else outcome
        for write, outcome in zip(batch.writes, outcomes, strict=True)
    ]


def _overtaken(write: Write, history: Mapping[str, Any]) -> dict[str, str]:
    """The properties whose newest version is ours, and whose version before is not the one that was read."""
    overtaken: dict[str, str] = {}
    for name, value_read in write.seen.items():
        value = write.values.get(name, "")
        versions = _newest_first(history.get(name))
        if not versions or not same(value, versions[0]):
            continue  # whoever wrote after us is seen by the next run
        previous = next((version for version in versions if not same(value, version)), "")
        if not same(value_read, previous):
            overtaken[name] = previous
    return overtaken


def _newest_first(entries: object) -> list[str]:
    versions = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    versions.sort(key=lambda entry: str(entry.get("timestamp") or ""), reverse=True)
    return [str(entry.get("value") or "") for entry in versions]
