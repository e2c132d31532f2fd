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
from careloom.project.schema_check import validate

KEPT = frozenset(
    {"id", "fingerprint", "source_version", "observed_at", "first_seen_at", "synced_at", "deleted_at"},
)
"""The columns that every landing table has, beside its key and the record as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A landing with what it was made from. `room_stream` is the room's stream, or the one that the file declares."""

    landing: Landing
    document: WrittenStream
    node: YamlNode
    room_stream: Stream

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
        document, schema_faults = validate(WrittenStream, node)
        faults += schema_faults
        draft = _draft(document, node, systems, rooms, default, faults) if document else None
        if draft is None:
            continue
        first = drafts.setdefault(draft.name, draft)
        if first is not draft:
            cause = f"the stream `{draft.name}` is already in {first.landing.file}"
            faults.append(draft.fault(("stream",), "duplicate-stream", cause, "give one of them another name"))
    # A link to the table of a file that gives no landing is no mistake of its own.
    is_complete = len(drafts) == number
    faults += [fault for fault in _together(drafts) if is_complete or fault.code != "unknown-table"]
    return _in_order(_resolve(drafts)), faults


def _draft(
    document: WrittenStream,
    node: YamlNode,
    systems: Mapping[str, System],
    rooms: Mapping[str, Room],
    default: Schedule | None,
    faults: list[Fault],
) -> _Draft | None:
    name = document.from_.system
    if name not in systems:
        # Without any system that could be read, every name of one would be blamed.
        if systems:
            fix = suggestion(name, systems, "add it to `systems:` in careloom.yaml")
            faults.append(_fault(node, ("from", "system"), "unknown-system", f"there is no system `{name}`", fix))
        return None
    room = rooms.get(systems[name].kind)
    if room is None:  # its own fault is told where the system is written
        return None
    room_stream = _offer(document, node, room)
    if isinstance(room_stream, Fault):
        faults.append(room_stream)
        return None
    if room.stream_source is None:
        faults += _unasked(document, node, room)
        default = None
    draft = _Draft(
        landing=Landing(
            name=document.stream,
            system=name,
            stream=_extend(document, room_stream),
            schedule=document.schedule or default,
            reconcile=document.reconcile,
            look_back=document.look_back,
            retention=document.retention,
            file=node.place.file,
        ),
        document=document,
        node=node,
        room_stream=room_stream,
    )
    faults += [*_renames(draft), *_names(draft)]
    return draft


def _offer(document: WrittenStream, node: YamlNode, room: Room) -> Stream | Fault:
    """The room's stream that the file asks for, or the one that the file declares itself; the fault of a file that does neither."""
    system, stream_name = document.from_.system, document.from_.stream
    declared_key = next(
        (key for key in ("key", "key_column", "key_type", "version", "raw") if getattr(document, key)), None
    )
    if stream_name in room.streams:
        if declared_key:
            cause = f"the system `{system}` declares the stream `{stream_name}` itself, with its key and its version"
            return _fault(
                node, (declared_key,), "declared-stream", cause, f"remove `{declared_key}:`; `rename:` changes names"
            )
        return room.streams[stream_name]
    if room.streams:
        fix = suggestion(stream_name, room.streams, f"write one of {', '.join(sorted(room.streams))}")
        return _fault(
            node, ("from", "stream"), "unknown-stream", f"the system `{system}` has no stream `{stream_name}`", fix
        )
    if room.webhooks is None and room.listener is None:
        cause = f"the system `{system}` is of kind `{room.kind}`, which offers no streams"
        return _fault(node, ("from", "system"), "no-streams", cause, "read it by a sync, or name another system")
    if document.key is None or document.key_column is None:
        missing = "key" if document.key is None else "key_column"
        cause = (
            f"`{missing}` is missing: a system of kind `{room.kind}` leaves it to the project to say what a record is"
        )
        return _fault(node, (), "missing-key", cause, f"add `{missing}:`")
    return Stream(
        name=stream_name,
        key=document.key,
        key_column=document.key_column,
        key_type=document.key_type or "text",
        version=document.version or "",
        raw=document.raw or "raw",
        columns=(),
    )


def _unasked(document: WrittenStream, node: YamlNode, room: Room) -> Iterator[Fault]:
    """Schedules of a stream that no one can ask for."""
    for key in ("schedule", "reconcile"):
        if getattr(document, key) is not None:
            cause = f"a system of kind `{room.kind}` cannot be asked: its records come by themselves"
            yield _fault(node, (key,), "schedule", cause, f"remove `{key}:`")


def _extend(document: WrittenStream, room_stream: Stream) -> Stream:
    """The stream with the file's names, columns and links. Links of the room keep the other table's names for now."""
    new = document.rename
    file_columns = [
        Column(
            name=name,
            type=column.type,
            paths=tuple(column.path),
            phi=Phi.named(column.phi),
            description=column.description or "",
        )
        for name, column in document.columns.items()
    ]
    room_links = [
        replace(
            link,
            column=new.get(link.column, link.column),
            tiers=tuple(
                tuple((new.get(own_column, own_column), linked_column) for own_column, linked_column in tier)
                for tier in link.tiers
            ),
            agree=tuple((new.get(own_column, own_column), linked_column) for own_column, linked_column in link.agree),
        )
        for link in room_stream.links
        if link.column not in document.links
    ]
    links = [
        LinkRule(
            column=name,
            to=entry.to,
            tiers=tuple(tuple(tier.items()) for tier in entry.by),
            agree=tuple(entry.agree.items()),
        )
        for name, entry in document.links.items()
    ]
    return replace(
        room_stream,
        table=document.table or room_stream.table or document.stream.replace("-", "_"),
        key_column=new.get(room_stream.key_column, room_stream.key_column),
        raw=new.get(room_stream.raw, room_stream.raw),
        columns=(
            *(replace(column, name=new.get(column.name, column.name)) for column in room_stream.columns),
            *file_columns,
        ),
        links=(*room_links, *links),
    )


def _renames(draft: _Draft) -> Iterator[Fault]:
    room_stream = draft.room_stream
    column_names = {room_stream.key_column, room_stream.raw, *(column.name for column in room_stream.columns)}
    column_names |= {link.column for link in room_stream.links}
    for old in draft.document.rename:
        if old not in column_names:
            fix = suggestion(old, column_names, "write the name of one of the stream's columns")
            yield draft.fault(("rename", old), "unknown-column", f"the stream has no column `{old}`", fix)


def _names(draft: _Draft) -> Iterator[Fault]:
    """Column names that the table has already; a link brings a second column, the time at which it was made."""
    stream, document = draft.landing.stream, draft.document
    paths: dict[str, tuple[Step, ...]] = {new: ("rename", old) for old, new in document.rename.items()}
    paths |= {name: ("columns", name) for name in document.columns}
    paths |= {name: ("links", name) for name in document.links}
    names: list[tuple[str, tuple[Step, ...]]] = [(stream.key_column, ("key_column",)), (stream.raw, ("raw",))]
    names += [(column.name, ("from", "stream")) for column in stream.columns]
    names += [(name, ("from", "stream")) for link in stream.links for name in (link.column, f"{link.column}_linked_at")]
    used_names = set(KEPT)
    for name, default in names:
        if name in used_names:
            path = paths.get(name) or paths.get(name.removesuffix("_linked_at"), default)
            cause = f"the table has a column `{name}` already"
            yield draft.fault(path, "duplicate-column", cause, "give it another name")
        used_names.add(name)


def _together(drafts: Mapping[str, _Draft]) -> Iterator[Fault]:
    """What only the streams together can show: two in one table, one in two tables, and links that lead nowhere."""
    tables: dict[str, _Draft] = {}
    streams: dict[tuple[str, str], _Draft] = {}
    for draft in drafts.values():
        table = draft.landing.table
        first = tables.setdefault(table, draft)
        if first is not draft:
            cause = f"the table `{table}` is already that of {first.landing.file}"
            path: tuple[Step, ...] = ("table",) if draft.document.table else ("stream",)
            yield draft.fault(path, "duplicate-table", cause, "give one of them another `table:`")
        system, stream = draft.document.from_.system, draft.document.from_.stream
        first = streams.setdefault((system, stream), draft)
        if first is not draft:
            cause = f"the stream `{stream}` of `{system}` already lands by {first.landing.file}"
            yield draft.fault(("from", "stream"), "duplicate-stream", cause, "remove one of the two files")
    for draft in drafts.values():
        for link in draft.landing.stream.links:
            # A room's own link is right as far as it goes; only what the file says can be wrong.
            if link.column in draft.document.links:
                yield from _link(draft, link, tables)


def _link(draft: _Draft, link: LinkRule, tables: Mapping[str, _Draft]) -> Iterator[Fault]:
    path: tuple[Step, ...] = ("links", link.column)
    if link.to not in tables:
        fix = suggestion(link.to, tables, "write the table of a stream that this project lands")
        yield draft.fault((*path, "to"), "unknown-table", f"no stream lands in a table `{link.to}`", fix)
        return
    own_columns, linked_columns = draft.columns, tables[link.to].columns
    groups: list[tuple[tuple[Step, ...], tuple[tuple[str, str], ...]]] = [
        (("by", number), tier) for number, tier in enumerate(link.tiers)
    ]
    for where, pairs in (*groups, (("agree",), link.agree)):
        for own_column, linked_column in pairs:
            column_path: tuple[Step, ...] = (*path, *where, own_column)
            unknown = False
            for name, columns, table in (
                (own_column, own_columns, draft.landing.table),
                (linked_column, linked_columns, link.to),
            ):
                if name not in columns:
                    unknown = True
                    fix = suggestion(name, columns, f"write one of the columns of `{table}`")
                    yield draft.fault(column_path, "unknown-column", f"the table `{table}` has no column `{name}`", fix)
            if not unknown and (own_type := own_columns[own_column]) != (linked_type := linked_columns[linked_column]):
                cause = f"`{own_column}` is {own_type} and `{linked_column}` of `{link.to}` is {linked_type}: they are never equal"
                yield draft.fault(column_path, "link-type", cause, "compare columns of one type")


def _resolve(drafts: Mapping[str, _Draft]) -> dict[str, Landing]:
    """The landings, whose rooms' links follow what this project calls tables and columns; those to tables it lacks are left out."""
    homes = {
        (draft.landing.system, draft.room_stream.table or draft.room_stream.name): draft for draft in drafts.values()
    }
    tables = {draft.landing.table for draft in drafts.values()}
    landings: dict[str, Landing] = {}
    for name, draft in drafts.items():
        links: list[LinkRule] = []
        for link in draft.landing.stream.links:
            home = homes.get((draft.landing.system, link.to))
            if link.column in draft.document.links:
                links += [link] if link.to in tables else []
            elif home is not None:
                links.append(_towards(home, link))
        stream = replace(draft.landing.stream, links=tuple(links))
        landings[name] = replace(draft.landing, stream=stream)
    return landings


def _towards(home: _Draft, link: LinkRule) -> LinkRule:
    new = home.document.rename
    tiers = tuple(
        tuple((own_column, new.get(linked_column, linked_column)) for own_column, linked_column in tier)
        for tier in link.tiers
    )
    agree = tuple((own_column, new.get(linked_column, linked_column)) for own_column, linked_column in link.agree)
    return replace(link, to=home.landing.table, tiers=tiers, agree=agree)


def _in_order(landings: Mapping[str, Landing]) -> dict[str, Landing]:
    """Those that are linked to before those that link, as far as that goes: links in a circle are made whatever comes first."""
    waiting, landings_in_order = dict(landings), dict[str, Landing]()
    while waiting:
        targets = {
            name: {link.to for link in landing.stream.links} - {landing.table} for name, landing in waiting.items()
        }
        tables_left = {landing.table for landing in waiting.values()}
        names = [name for name, tables in targets.items() if not tables & tables_left] or [next(iter(waiting))]
        landings_in_order |= {name: waiting.pop(name) for name in names}
    return landings_in_order


def _fault(node: YamlNode, path: tuple[Step, ...], code: str, cause: str, fix: str) -> Fault:
    return node.place_of(*path).fault(code, cause, fix)
