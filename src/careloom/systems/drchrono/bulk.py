"""The asynchronous lists: ask for a page, wait until it is made, read it; the next ones are asked for ahead.

What is asked for early is made when its turn comes, so that asking whether it is costs one of the hour's calls and not many.
A page that was asked for lives for an hour at DrChrono. The uuids are in the checkpoint, so that a new process goes on waiting
for them; where one has expired, the same page is asked for anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from careloom.core.errors import Fix, Later, RemoteUnavailable
from careloom.systems.drchrono.checkpoints import Position
from careloom.systems.drchrono.client import Client, not_an_answer
from careloom.systems.drchrono.options import Options
from careloom.vendor_kit import status
from careloom.vendor_kit.call import Answer

_ANEW = 3
_AHEAD = 4
"""So many pages are being made at a time."""
_SLOWEST = 30.0
_LIVES = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A page that was asked for, and when."""

    uuid: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """Some entries, as they came, and where to go on behind them. `escapes`: a text in them may hold NUL.

    `asked_at`: the entries say what was so then or later; None where they were made for their reader.
    """

    items: list[Any]
    position: Position
    asked_at: datetime | None = None
    total: int | None = None
    escapes: bool = False


def bulk_pages(
    client: Client, options: Options, path: str, query: Mapping[str, str], position: Position
) -> Iterator[Got]:
    """The pages of the list at `path`, from `position` on. Later where a page takes longer than the options' patience."""
    # Those of this page and of the ones behind it, in order; a checkpoint names them all, with spaces between.
    asked, page, anew = _asked_before(client, position), position.page, 0
    fresh = not asked
    while True:
        if fresh:
            asked[:1] = [_asked(client, path, query, page)]
            yield Got(items=[], position=_at_page(position, page, asked))
        answer = _made(client, options, path, asked[0].uuid, fresh=fresh)
        if answer is None:
            anew, fresh = anew + 1, True
            if anew > _ANEW:
                raise RemoteUnavailable(f"DrChrono's list {path} failed {anew} times; run again later", after=300.0)
            continue
        items, pages, count = _content(path, answer, page)
        page, anew, is_last = page + 1, 0, page >= pages
        asked_at = asked.pop(0).at
        _ask_ahead(client, path, query, asked, range(page + len(asked), min(pages, page + _AHEAD - 1) + 1))
        after = _at_page(position, page, asked)
        if is_last:
            after = Position(until=position.until, leg=position.leg + 1)
        yield Got(items=items, position=after, asked_at=asked_at, total=count, escapes=answer.escapes)
        if is_last:
            return
        fresh = not asked


def _at_page(position: Position, page: int, requests: Sequence[_Asked]) -> Position:
    times = " ".join(request.at.isoformat() for request in requests)
    return replace(position, page=page, uuid=" ".join(request.uuid for request in requests), asked=times)


def _asked_before(client: Client, position: Position) -> list[_Asked]:
    """What a checkpoint names; where it does not say when that was asked for, it was as long ago as such a page lives."""
    uuids, times = position.uuid.split(), position.asked.split()
    earliest = client.clock() - _LIVES
    with suppress(ValueError):
        if len(times) == len(uuids):
            return [
                _Asked(uuid=uuid, at=max(earliest, datetime.fromisoformat(time)))
                for uuid, time in zip(uuids, times, strict=True)
            ]
    return [_Asked(uuid=uuid, at=earliest) for uuid in uuids]


def _asked(client: Client, path: str, query: Mapping[str, str], page: int) -> _Asked:
    moment = client.clock()
    answer = client.post(path, {**query, "page": str(page)})
    uuid = answer.text("uuid")
    if not uuid and (answer.ok or not isinstance(answer.content, dict)):
        raise not_an_answer(f"the wish for the list {path}")
    if not uuid:
        raise Fix(
            f"DrChrono refuses to make the list {path} ({answer.status}): set `bulk: false` to read it page by page"
        )
    return _Asked(uuid=uuid, at=moment)


def _ask_ahead(client: Client, path: str, query: Mapping[str, str], requests: list[_Asked], pages: range) -> None:
    """The next pages are made while this one is landed; no place in the budget for that is no reason to lose this one."""
    with suppress(Later):
        for page in pages:
            requests.append(_asked(client, path, query, page))  # noqa: PERF401 (what was asked for before a failure stays)


def _made(client: Client, options: Options, path: str, uuid: str, *, fresh: bool) -> Answer | None:
    """The answer with the page of `uuid`; None where it expired or failed and must be asked for anew."""
    wait, seconds = options.bulk_poll_seconds, 0.0
    if fresh:
        client.pause(wait)
        seconds += wait
    while True:
        answer = client.get(path, {"uuid": uuid})
        state = answer.text("status").lower()
        if answer.status == status.OK and state == "complete":
            return answer
        if answer.status != status.OK or state in {"", "failed", "canceled", "cancelled", "error"}:
            return None
        if seconds + wait > options.bulk_patience_seconds:
            raise RemoteUnavailable(f"DrChrono's list {path} is not ready yet; run again, it goes on there", after=60.0)
        client.pause(wait)
        seconds += wait
        wait = min(wait * 1.5, options.bulk_poll_seconds * _SLOWEST)


def _content(path: str, answer: Answer, page: int) -> tuple[list[Any], int, int | None]:
    """Entries, the number of pages, and of all entries."""
    body = answer.body
    items = entries(body)
    pagination = body.get("pagination") if isinstance(body, dict) else None
    pages = pagination.get("pages") if isinstance(pagination, dict) else None
    count = pagination.get("count") if isinstance(pagination, dict) else None
    page_shown = pagination.get("page", page) if isinstance(pagination, dict) else None
    # A page that is empty before the end, or is another one, would make the records of this one look deleted.
    if items is None or type(pages) is not int or page_shown != page or (not items and page < pages):
        raise not_an_answer(f"the list {path}")
    return items, pages, count if isinstance(count, int) else None


def entries(body: Any) -> list[Any] | None:
    """The array of an envelope: called `results` in practice, `data` in the published description."""
    if not isinstance(body, dict):
        return None
    for name in ("results", "data"):
        if isinstance(body.get(name), list):
            items: list[Any] = body[name]
            return items
    return None
