"""From the files of `streams/` to the streams that are landed: the rooms' own, with what the files add, and every mistake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from careloom.core.errors import Fault
from careloom.core.phi import Phi
from careloom.core.rooms import Room
from careloom.core.streams import Column, LinkRule, Stream
from careloom.project.model import Landing, System
from careloom.project.nearest import suggestion
from careloom.project.nodes import Step, YamlNode
from careloom.project.schedules import Schedule
from careloom.project.schema import WrittenStream
from careloom.project.schema_check import validated

KEPT = frozenset(
    {"id", "fingerprint", "source_version", "observed_at", "first_seen_at", "synced_at", "deleted_at"},
)
"""The columns that every landing table has, beside its key and the record as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A landing with what it was made from. `offered` is the room's stream, or the one that the file declares."""

    landing: Landing
    written: WrittenStream
    node: YamlNode
    offered: Stream

    @property
    def name(self) -> str:
        return self.landing.name

    @property
    def columns(self) -> dict[str, str]:
        """The table's columns that links may compare, with their types."""
        stream = self.landing.stream
        return {stream.key_column: stream.key_type, **{column.name: column.type for column in stream.columns}}

    def fault(self, path: tuple[Step, ...], code: str, cause: str, fix: str) -> Fault:
        return self.node.place_of(*path).fault(code, cause, fix)


def build_landings(
    files: Sequence[YamlNode],
    number: int,
    systems: Mapping[str, System],
    rooms: Mapping[str, Room],
    default: Schedule | None,
) -> tuple[dict[str, Landing], list[Fault]]:
    """The landings by name, those that are linked to before those that link; and every fault.

    `files` are those of `number` that could be read; `default` is the project's schedule.
    """
    faults: list[Fault] = []
    drafts: dict[str, _Draft] = {}
    for node in files:
        written, found = validated(WrittenStream, node)
        faults += found
        draft = _draft(written, node, systems, rooms, default, faults) if written else None
        if draft is None:
            continue
        first = drafts.setdefault(draft.name, draft)
        if first is not draft:
            cause = f"the stream `{draft.name}` is already in {first.landing.file}"
            faults.append(draft.fault(("stream",), "duplicate-stream", cause, "give one of them another name"))
    # A link to the table of a file that gives no landing is no mistake of its own.
    whole = len(drafts) == number
    faults += [fault for fault in _together(drafts) if whole or fault.code != "unknown-table"]
    return _in_order(_resolved(drafts)), faults


def _draft(
    written: WrittenStream,
    node: YamlNode,
    systems: Mapping[str, System],
    rooms: Mapping[str, Room],
    default: Schedule | None,
    faults: list[Fault],
) -> _Draft | None:
    name = written.from_.system
    if name not in systems:
        # Without any system that could be read, every name of one would be blamed.
        if systems:
            fix = suggestion(name, systems, "add it to `systems:` in careloom.yaml")
            faults.append(_fault(node, ("from", "system"), "unknown-system", f"there is no system `{name}`", fix))
        return None
    room = rooms.get(systems[name].kind)
    if room is None:  # its own fault is told where the system is written
        return None
    offered = _offered(written, node, room)
    if isinstance(offered, Fault):
        faults.append(offered)
        return None
    if room.stream_source is None:
        faults += _unasked(written, node, room)
        default = None
    draft = _Draft(
        landing=Landing(
            name=written.stream,
            system=name,
            stream=_added(written, offered),
            schedule=written.schedule or default,
            reconcile=written.reconcile,
            look_back=written.look_back,
            retention=written.retention,
            file=node.place.file,
        ),
        written=written,
        node=node,
        offered=offered,
    )
    faults += [*_renames(draft), *_names(draft)]
    return draft


def _offered(written: WrittenStream, node: YamlNode, room: Room) -> Stream | Fault:
    """The room's stream that the file asks for, or the one that the file declares itself; the fault of a file that does neither."""
    system, wanted = written.from_.system, written.from_.stream
    declared = next((key for key in ("key", "key_column", "key_type", "version", "raw") if getattr(written, key)), None)
    if wanted in room.streams:
        if declared:
            cause = f"the system `{system}` declares the stream `{wanted}` itself, with its key and its version"
            return _fault(node, (declared,), "declared-stream", cause, f"remove `{declared}:`; `rename:` changes names")
        return room.streams[wanted]
    if room.streams:
        fix = suggestion(wanted, room.streams, f"write one of {', '.join(sorted(room.streams))}")
        return _fault(
            node, ("from", "stream"), "unknown-stream", f"the system `{system}` has no stream `{wanted}`", fix
        )
    if room.hooks is None:
        cause = f"the system `{system}` is of kind `{room.kind}`, which offers no streams"
        return _fault(node, ("from", "system"), "no-streams", cause, "read it by a sync, or name another system")
    if written.key is None or written.key_column is None:
        missing = "key" if written.key is None else "key_column"
        cause = (
            f"`{missing}` is missing: a system of kind `{room.kind}` leaves it to the project to say what a record is"
        )
        return _fault(node, (), "missing-key", cause, f"add `{missing}:`")
    return Stream(
        name=wanted,
        key=written.key,
        key_column=written.key_column,
        key_type=written.key_type or "text",
        version=written.version or "",
        raw=written.raw or "raw",
        columns=(),
    )


def _unasked(written: WrittenStream, node: YamlNode, room: Room) -> Iterator[Fault]:
    """Schedules of a stream that nobody can ask for."""
    for key in ("schedule", "reconcile"):
        if getattr(written, key) is not None:
            cause = f"a system of kind `{room.kind}` cannot be asked: its records come by themselves"
            yield _fault(node, (key,), "schedule", cause, f"remove `{key}:`")


def _added(written: WrittenStream, offered: Stream) -> Stream:
    """The stream with the file's names, columns and links. Links of the room keep the other table's names for now."""
    new = written.rename
    added = [
        Column(
            name=name,
            type=one.type,
            paths=tuple(one.path),
            phi=Phi.named(one.phi),
            description=one.description or "",
        )
        for name, one in written.columns.items()
    ]
    own = [
        replace(
            link,
            column=new.get(link.column, link.column),
            tiers=tuple(tuple((new.get(ours, ours), theirs) for ours, theirs in tier) for tier in link.tiers),
            agree=tuple((new.get(ours, ours), theirs) for ours, theirs in link.agree),
        )
        for link in offered.links
        if link.column not in written.links
    ]
    links = [
        LinkRule(
            column=name,
            to=one.to,
            tiers=tuple(tuple(tier.items()) for tier in one.by),
            agree=tuple(one.agree.items()),
        )
        for name, one in written.links.items()
    ]
    return replace(
        offered,
        table=written.table or offered.table or written.stream.replace("-", "_"),
        key_column=new.get(offered.key_column, offered.key_column),
        raw=new.get(offered.raw, offered.raw),
        columns=(*(replace(one, name=new.get(one.name, one.name)) for one in offered.columns), *added),
        links=(*own, *links),
    )


def _renames(draft: _Draft) -> Iterator[Fault]:
    offered = draft.offered
    known = {offered.key_column, offered.raw, *(one.name for one in offered.columns)}
    known |= {link.column for link in offered.links}
    for old in draft.written.rename:
        if old not in known:
            fix = suggestion(old, known, "write the name of one of the stream's columns")
            yield draft.fault(("rename", old), "unknown-column", f"the stream has no column `{old}`", fix)


def _names(draft: _Draft) -> Iterator[Fault]:
    """Column names that the table has already; a link brings a second column, the time at which it was made."""
    stream, written = draft.landing.stream, draft.written
    said: dict[str, tuple[Step, ...]] = {new: ("rename", old) for old, new in written.rename.items()}
    said |= {name: ("columns", name) for name in written.columns}
    said |= {name: ("links", name) for name in written.links}
    names: list[tuple[str, tuple[Step, ...]]] = [(stream.key_column, ("key_column",)), (stream.raw, ("raw",))]
    names += [(one.name, ("from", "stream")) for one in stream.columns]
    names += [(name, ("from", "stream")) for one in stream.links for name in (one.column, f"{one.column}_linked_at")]
    seen = set(KEPT)
    for name, default in names:
        if name in seen:
            path = said.get(name) or said.get(name.removesuffix("_linked_at"), default)
            cause = f"the table has a column `{name}` already"
            yield draft.fault(path, "duplicate-column", cause, "give it another name")
        seen.add(name)


def _together(drafts: Mapping[str, _Draft]) -> Iterator[Fault]:
    """What only the streams together can show: two in one table, one in two tables, and links that lead nowhere."""
    tables: dict[str, _Draft] = {}
    streams: dict[tuple[str, str], _Draft] = {}
    for draft in drafts.values():
        table = draft.landing.table
        first = tables.setdefault(table, draft)
        if first is not draft:
            cause = f"the table `{table}` is already that of {first.landing.file}"
            path: tuple[Step, ...] = ("table",) if draft.written.table else ("stream",)
            yield draft.fault(path, "duplicate-table", cause, "give one of them another `table:`")
        system, stream = draft.written.from_.system, draft.written.from_.stream
        first = streams.setdefault((system, stream), draft)
        if first is not draft:
            cause = f"the stream `{stream}` of `{system}` already lands by {first.landing.file}"
            yield draft.fault(("from", "stream"), "duplicate-stream", cause, "remove one of the two files")
    for draft in drafts.values():
        for link in draft.landing.stream.links:
            # A room's own link is right as far as it goes; only what the file says can be wrong.
            if link.column in draft.written.links:
                yield from _link(draft, link, tables)


def _link(draft: _Draft, link: LinkRule, tables: Mapping[str, _Draft]) -> Iterator[Fault]:
    path: tuple[Step, ...] = ("links", link.column)
    if link.to not in tables:
        fix = suggestion(link.to, tables, "write the table of a stream that this project lands")
        yield draft.fault((*path, "to"), "unknown-table", f"no stream lands in a table `{link.to}`", fix)
        return
    mine, theirs = draft.columns, tables[link.to].columns
    groups: list[tuple[tuple[Step, ...], tuple[tuple[str, str], ...]]] = [
        (("by", number), tier) for number, tier in enumerate(link.tiers)
    ]
    for where, pairs in (*groups, (("agree",), link.agree)):
        for ours, other in pairs:
            at: tuple[Step, ...] = (*path, *where, ours)
            unknown = False
            for name, columns, table in ((ours, mine, draft.landing.table), (other, theirs, link.to)):
                if name not in columns:
                    unknown = True
                    fix = suggestion(name, columns, f"write one of the columns of `{table}`")
                    yield draft.fault(at, "unknown-column", f"the table `{table}` has no column `{name}`", fix)
            if not unknown and mine[ours] != theirs[other]:
                cause = (
                    f"`{ours}` is {mine[ours]} and `{other}` of `{link.to}` is {theirs[other]}: they are never equal"
                )
                yield draft.fault(at, "link-type", cause, "compare columns of one type")


def _resolved(drafts: Mapping[str, _Draft]) -> dict[str, Landing]:
    """The landings, whose rooms' links follow what this project calls tables and columns; those to tables it lacks are left out."""
    homes = {(one.landing.system, one.offered.table or one.offered.name): one for one in drafts.values()}
    tables = {one.landing.table for one in drafts.values()}
    landings: dict[str, Landing] = {}
    for name, draft in drafts.items():
        links: list[LinkRule] = []
        for link in draft.landing.stream.links:
            home = homes.get((draft.landing.system, link.to))
            if link.column in draft.written.links:
                links += [link] if link.to in tables else []
            elif home is not None:
                links.append(_towards(home, link))
        stream = replace(draft.landing.stream, links=tuple(links))
        landings[name] = replace(draft.landing, stream=stream)
    return landings


def _towards(home: _Draft, link: LinkRule) -> LinkRule:
    new = home.written.rename
    tiers = tuple(tuple((ours, new.get(theirs, theirs)) for ours, theirs in tier) for tier in link.tiers)
    agree = tuple((ours, new.get(theirs, theirs)) for ours, theirs in link.agree)
    return replace(link, to=home.landing.table, tiers=tiers, agree=agree)


def _in_order(landings: Mapping[str, Landing]) -> dict[str, Landing]:
    """Those that are linked to before those that link, as far as that goes: links in a circle are made whatever comes first."""
    waiting, ordered = dict(landings), dict[str, Landing]()
    while waiting:
        awaited = {name: {link.to for link in one.stream.links} - {one.table} for name, one in waiting.items()}
        here = {one.table for one in waiting.values()}
        ready = [name for name, tables in awaited.items() if not tables & here] or [next(iter(waiting))]
        ordered |= {name: waiting.pop(name) for name in ready}
    return ordered


def _fault(node: YamlNode, path: tuple[Step, ...], code: str, cause: str, fix: str) -> Fault:
    return node.place_of(*path).fault(code, cause, fix)
