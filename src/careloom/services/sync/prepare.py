"""One sync prepared: its fields as SQL, the shape of its object, and the stores and systems it works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from careloom.core.errors import Fault, Fix, ProjectFault
from careloom.core.ports import Source, Writable
from careloom.core.schema import ObjectDeclaration, ObjectShape, Property, PropertyType, TextForm
from careloom.engine.sync.encode import EncodedField
from careloom.engine.sync.merge import Likeness
from careloom.engine.sync.rows import spare_properties
from careloom.engine.sync.tables import RESERVED
from careloom.identity.match import MatchSpec
from careloom.project.columns import check_columns
from careloom.project.model import Field, Project, Sync
from careloom.project.shapes import GONE_OPTION, check_shape
from careloom.services.session.sessions import Session
from careloom.store.ledger import Ledger
from careloom.store.mirror import Mirror
from careloom.store.runs import Runs

_LIKENESS: Mapping[str, Likeness] = {"email": "mail", "phone": "phone"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSync:
    """Everything that one sync's run needs.

    `shape` is the object as it will be once `declaration` was carried out; `lacking` lists what does not exist yet, and
    `lost_properties` those of its properties that records were linked with before. `notes` are for people.
    """

    session: Session
    project: Project
    sync: Sync
    source: Source
    target: Writable
    columns: Mapping[str, str]
    shape: ObjectShape
    declaration: ObjectDeclaration
    lacking: tuple[str, ...]
    lost_properties: tuple[str, ...]
    notes: tuple[str, ...]
    fields: tuple[EncodedField, ...]
    ledger: Ledger
    mirror: Mirror
    runs: Runs
    text_form: TextForm

    @property
    def key_property(self) -> str:
        """The property that carries the source key."""
        return self.sync.to.key

    @property
    def properties(self) -> list[str]:
        """Every property that the sync may write, in a stable order."""
        return [*(field.property for field in self.fields), self.key_property, *spare_properties(self.fields)]

    @property
    def mirrored(self) -> list[str]:
        """Every property that the mirror must hold: those written, and the aliases of unique ones."""
        aliases = {
            alias
            for field in self.fields
            if field.unique and field.property in self.shape.properties
            for alias in self.shape.properties[field.property].aliases
        }
        return [*self.properties, *sorted(aliases - set(self.properties))]

    @property
    def aliases(self) -> dict[str, str]:
        """For each unique property the one in which a record holds further values of it."""
        return {
            field.property: definition.aliases[0]
            for field in self.fields
            if field.unique and (definition := self.shape.properties[field.property]).aliases
        }

    @property
    def likeness(self) -> dict[str, Likeness]:
        """Which properties hold mails and phone numbers, by their fields' roles; stand-ins hold what their field holds."""
        kinds: dict[str, Likeness] = {}
        for field in self.sync.fields.values():
            kind = _LIKENESS.get(field.role or "")
            if kind is not None:
                kinds |= dict.fromkeys((field.property, *([field.when_taken] if field.when_taken else [])), kind)
        return kinds

    @property
    def types(self) -> dict[str, tuple[PropertyType, bool]]:
        """Each property's type, and whether it holds several options."""
        types: dict[str, tuple[PropertyType, bool]] = {}
        for prop in self.properties:
            definition = self.shape.properties.get(prop)
            types[prop] = (definition.type, definition.multiple) if definition else ("string", False)
        return types

    @property
    def zone(self) -> str:
        """The project's time zone."""
        return self.project.timezone.key

    def match_spec(self) -> MatchSpec:
        """How identity matches this sync's rows."""
        aliases = {
            field.property: self.shape.properties[field.property].aliases
            for field in self.fields
            if field.unique and field.property in self.shape.properties
        }
        return MatchSpec(
            roles={
                field.property: field.role for field in self.sync.fields.values() if field.role and field.role != "none"
            },
            tiers=self.sync.match,
            key_property=self.key_property,
            accept=self.sync.accept,
            aliases={prop: names for prop, names in aliases.items() if names},
            separator=self.text_form.list_separator,
        )


def prepare_sync(session: Session, sync: Sync) -> PreparedSync:
    """Look at both sides and compile `sync`. ProjectFault with every fault of columns and properties together."""
    source = session.source(sync.source.system)
    columns = _columns(sync, source)
    faults = [*check_columns(sync, columns), *_reserved(sync, columns)]
    return _prepared(session, sync, source, columns, faults)


def prepare_again(context: PreparedSync) -> PreparedSync:
    """The same once the other side has what it lacked: its object is looked at again, the source is not."""
    new_context = _prepared(context.session, context.sync, context.source, context.columns, [])
    return replace(new_context, notes=context.notes)


def _prepared(
    session: Session, sync: Sync, source: Source, columns: Mapping[str, str], column_faults: list[Fault]
) -> PreparedSync:
    target = session.target(sync.to.system)
    now = target.shape(sync.to.object)
    faults, declaration = check_shape(sync, now)
    ledger = Ledger(session.store, sync.name)
    ran = ledger.has_links()
    gone_faults = [fault for fault in faults if ran and fault.code == GONE_OPTION]
    faults = [*column_faults, *(fault for fault in faults if fault not in gone_faults)]
    if faults:
        raise ProjectFault(*faults)
    if now is None and ran:
        raise Fix(
            f"{sync.to.system} has no object {sync.to.object!r} any more, but sync {sync.name!r} linked records to it; "
            "is this the right portal? Restore the object, or use a fresh database for a fresh portal"
        )
    shape = _completed(now, declaration)
    lacking = _lacking(now, declaration)
    lost_properties = tuple(prop.name for prop in declaration.properties) if ran and now is not None else ()
    form = session.text_form(sync.to.system)
    return PreparedSync(
        session=session,
        project=session.project,
        sync=sync,
        source=source,
        target=target,
        columns=columns,
        shape=shape,
        declaration=declaration,
        lacking=lacking,
        lost_properties=lost_properties,
        notes=(
            *_lost_notes(sync, lost_properties),
            *(f"{fault.cause} any more: rows that need it are held" for fault in gone_faults),
        ),
        fields=tuple(
            encoded_field(field, shape.properties.get(field.property), sync, form) for field in sync.fields.values()
        ),
        ledger=ledger,
        mirror=Mirror(session.store, sync.to.system, sync.to.object),
        runs=Runs(session.store),
        text_form=form,
    )


def _columns(sync: Sync, source: Source) -> Mapping[str, str]:
    """What the source has. A room does not know the project's files: what it finds wrong gets its place here."""
    try:
        return source.columns(sync.source.query)
    except ProjectFault as error:
        path = ("from", "table" if sync.source.table is not None else "sql")
        faults = [
            fault if fault.file else sync.fault(path, fault.code, fault.cause, fault.fix) for fault in error.faults
        ]
        raise ProjectFault(*faults) from None


def _lost_notes(sync: Sync, lost_properties: tuple[str, ...]) -> list[str]:
    """What people are told of properties that are new or were taken away: either way every record is looked at."""
    if not lost_properties:
        return []
    return [f"{sync.to.system} lacks {', '.join(lost_properties)}: created (again), and filled in every linked record"]


def _reserved(sync: Sync, columns: Mapping[str, str]) -> list[Fault]:
    clashes = [prop for prop in (*sync.fields, sync.to.key) if prop in RESERVED]
    faults = [
        sync.fault(
            ("fields",), "reserved-name", f"a property called {prop!r} cannot be written", "use another property"
        )
        for prop in clashes
    ]
    if "_row" in {column.lower() for column in columns}:
        faults.append(
            sync.fault(("from",), "reserved-name", "the source has a column called '_row'", "rename it with sql:")
        )
    return faults


def encoded_field(field: Field, definition: Property | None, sync: Sync, form: TextForm) -> EncodedField:
    """`field` as SQL, by what its property admits."""
    unique = bool(definition and definition.unique) and field.property != sync.to.key
    return EncodedField(
        property=field.property,
        expression=field.expression,
        type=definition.type if definition else field.type or "string",
        format=field.format,
        values=field.values,
        otherwise=field.otherwise,
        options=definition.options if definition else field.options,
        multiple=bool(definition and definition.multiple),
        max_length=definition.max_length if definition else None,
        unique=unique,
        lowercase=field.role == "email",
        when_taken=field.when_taken or None,
        owner=field.owner,
        form=form,
    )


def _completed(now: ObjectShape | None, declaration: ObjectDeclaration) -> ObjectShape:
    """The shape once the declared properties exist."""
    properties = {prop.name: prop for prop in declaration.properties}
    if now is None:
        required_properties = frozenset(declaration.create.required_properties) if declaration.create else frozenset()
        return ObjectShape(name=declaration.name, properties=properties, required_properties=required_properties)
    return replace(now, properties={**properties, **now.properties})


def _lacking(now: ObjectShape | None, declaration: ObjectDeclaration) -> tuple[str, ...]:
    have = now.properties if now else {}
    lines = [] if now else [f"object {declaration.name}"]
    return (
        *lines,
        *(f"property {prop.name} ({prop.type})" for prop in declaration.properties if prop.name not in have),
    )
