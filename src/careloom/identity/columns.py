"""A spec's own columns, brought to the one form that the static SQL reads: match_raw (a view) and match_key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import duckdb

from careloom.core.errors import Stop
from careloom.identity.comparisons import COMPARISONS, Comparison, own_values
from careloom.identity.rules import RULES, VETOES, MatchRule, Veto

# role -> its column in match_raw and match_record; mails and phones are many for one record and live in tables of their own.
_SINGLE: Mapping[str, str] = {
    "first_name": "first",
    "middle_name": "middle",
    "last_name": "last",
    "suffix": "suffix",
    "birth_date": "dob",
    "sex": "sex",
    "street": "street",
    "unit": "unit",
    "city": "city",
    "state": "state",
    "zip": "zip",
}
_MANY: Mapping[str, str] = {"email": "mails", "phone": "phones"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchSpec:
    """How the rows of one sync are matched to the records of its object.

    `roles`: property → role; several properties may share one: all mails and phones count, of other roles the first that
    is not empty. `tiers`: property names, each tier brings candidates together when all its values agree, but for a unit,
    and for city and state beside a street and a ZIP code; a property without a role is compared as plain text. `key_property` carries our key on the remote side. `accept`
    "provisional" links pairs too whose birth date is missing on one side. `aliases`: further remote properties, values
    joined by `separator`. `comparisons` is the evidence that is taken of each pair, `rules` and `vetoes` are what follows from it.
    """

    roles: Mapping[str, str]
    tiers: Sequence[Sequence[str]]
    key_property: str
    accept: Literal["certain", "provisional"]
    aliases: Mapping[str, Sequence[str]]
    separator: str = ";"
    comparisons: Sequence[Comparison] = COMPARISONS
    rules: Mapping[str, MatchRule] = field(default_factory=lambda: RULES)
    vetoes: Sequence[Veto] = VETOES

    @property
    def people(self) -> bool:
        """Whether names are compared; without any, only a value of one row and one record links them."""
        return any(role in ("first_name", "last_name") for role in self.roles.values())

    def properties(self) -> list[str]:
        """Every property that both sides must have as a column."""
        return list(dict.fromkeys([*self.roles, *(name for tier in self.tiers for name in tier)]))

    def columns(self) -> dict[str, str]:
        """The roles of which a record has one value, each with its column in match_raw and match_record."""
        return {**_SINGLE, **{comparison.role: comparison.role for comparison in own_values(self.comparisons)}}

    def plain(self) -> list[str]:
        """The properties of tiers that have no role, in order."""
        return [name for name in self.properties() if name not in self.roles]


def demand_roles(spec: MatchSpec) -> None:
    """Stop if a property has a role that nothing reads: it would silently match nobody."""
    if unread := sorted(set(spec.roles.values()) - {*spec.columns(), *_MANY}):
        raise Stop(f"matching was given properties of roles that nothing compares: {', '.join(unread)}")


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def demand_columns(db: duckdb.DuckDBPyConnection, table: str, names: Iterable[str]) -> None:
    """Stop if `table` lacks a column: a missing one would silently match nobody."""
    column_names = {row[0] for row in db.execute(f"DESCRIBE {table}").fetchall()}
    if missing := sorted(set(names) - column_names):
        raise Stop(f"matching was given the table {table} without the columns {', '.join(missing)}")


def raw_view(spec: MatchSpec, *, fresh: str, everyone: str, remote: str) -> str:
    """The statement of match_raw: a line for each source row (`fresh`: those to decide) and each remote record."""
    return f"""CREATE OR REPLACE TEMP VIEW match_raw AS
      SELECT true AS ours, e.key IN (SELECT key FROM {fresh}) AS fresh, e.key AS id, NULL AS carries, {_roles(spec, remote=False)}
      FROM (FROM {everyone} {"" if everyone == fresh else _rest(fresh, everyone)}) AS e
      UNION ALL
      SELECT false, false, e.id, {_filled(spec.key_property)}, {_roles(spec, remote=True)} FROM {remote} AS e"""


def _rest(fresh: str, everyone: str) -> str:
    return f"UNION ALL BY NAME FROM {fresh} WHERE key NOT IN (SELECT key FROM {everyone})"


def _filled(name: str) -> str:
    return f"nullif(trim(e.{quoted(name)}), '')"


def _roles(spec: MatchSpec, *, remote: bool) -> str:
    singles = [f"{_first_of(spec, role)} AS {column}" for role, column in spec.columns().items()]
    many = [f"{_list_of(spec, role, remote=remote)} AS {column}" for role, column in _MANY.items()]
    plain_values = f"[{', '.join(_values(spec, name, remote=remote) for name in spec.plain())}]::VARCHAR[][] AS others"
    return ", ".join([*singles, *many, plain_values])


def _named(spec: MatchSpec, role: str) -> list[str]:
    return [name for name, field_role in spec.roles.items() if field_role == role]


def _first_of(spec: MatchSpec, role: str) -> str:
    names = [_filled(name) for name in _named(spec, role)]
    return f"coalesce({', '.join(names)}, NULL)::VARCHAR" if names else "NULL::VARCHAR"


def _list_of(spec: MatchSpec, role: str, *, remote: bool) -> str:
    """All values of a role; some may be NULL or empty."""
    values = [_filled(name) for name in _named(spec, role)]
    return f"[{', '.join(values)}]::VARCHAR[]" + "".join(_further(spec, name) for name in _named(spec, role) if remote)


def _further(spec: MatchSpec, name: str) -> str:
    separator = "'" + spec.separator.replace("'", "''") + "'"
    return "".join(
        f" || coalesce(string_split(e.{quoted(alias)}, {separator}), [])" for alias in spec.aliases.get(name, ())
    )


def _values(spec: MatchSpec, name: str, *, remote: bool) -> str:
    return f"[{_filled(name)}]" + (_further(spec, name) if remote else "")


def key_table(spec: MatchSpec) -> str:
    """The statement of match_key: for each tier and record its key, where every value but the unit is there.

    Of people, keys are hashed: two different keys of one hash make a candidate, never a link.
    """
    tiers = [select for number, tier in enumerate(spec.tiers, 1) for select in _keys(spec, number, tier)]
    empty = "SELECT 0 AS tier, 0::BIGINT AS n, false AS ours, false AS variant, NULL AS k WHERE false"
    together = " UNION ALL ".join(tiers) or empty
    key = "hash(k)" if spec.people else "k"
    return f"CREATE OR REPLACE TEMP TABLE match_key AS SELECT tier, n, ours, variant, {key} AS k FROM ({together}) WHERE k IS NOT NULL"


def _keys(spec: MatchSpec, number: int, tier: Sequence[str]) -> list[str]:
    roles = [spec.roles[name] for name in tier if name in spec.roles]
    tables = "match_record AS r" + (" JOIN match_mail USING (n)" if "email" in roles else "")
    tables += " JOIN match_phone USING (n)" if "phone" in roles else ""
    for name in tier:
        if name in spec.plain():
            # One line for each value: a record may hold several under aliases.
            place = spec.plain().index(name) + 1
            values = f"SELECT n, unnest(others[{place}]) AS t FROM match_record"
            tables += f" JOIN (SELECT DISTINCT n, careloom_text(t) AS v{place} FROM ({values})) USING (n)"
    # A street and a ZIP code say where it is; a city or a state that one side lacks must not keep two records apart.
    optional_roles = {"city", "state"} if {"street", "zip"} <= set(roles) else set()
    parts = [name for name in tier if spec.roles.get(name) not in optional_roles]
    key = " || '|' || ".join(dict.fromkeys(_key_part(spec, name) for name in parts))
    plain = f"SELECT {number} AS tier, n, r.ours, false AS variant, {key} AS k FROM {tables}"
    if "first_name" not in roles:
        return [plain]
    nick = key.replace("r.first", "nick.y")
    return [
        plain,
        f"SELECT {number}, n, r.ours, true, {nick} FROM {tables} JOIN careloom_nickname AS nick ON nick.x = r.first WHERE r.ours",
    ]


def _key_part(spec: MatchSpec, name: str) -> str:
    role = spec.roles.get(name)
    if role is None:
        return f"v{spec.plain().index(name) + 1}"
    if role == "email":
        return "mail"
    if role == "phone":
        return "phone"
    return "coalesce(r.unit, '')" if role == "unit" else f"r.{spec.columns()[role]}"
