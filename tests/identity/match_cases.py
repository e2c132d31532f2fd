"""Small worlds for the matching tests: rows and records as literals, and what was decided about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import duckdb
import pyarrow as pa

from careloom.identity.match import MatchSpec, match

TODAY = date(2026, 1, 1)
PATIENTS = MatchSpec(
    roles={
        "firstname": "first_name",
        "middle": "middle_name",
        "lastname": "last_name",
        "suffix": "suffix",
        "birthday": "birth_date",
        "gender": "sex",
        "email": "email",
        "phone": "phone",
        "mobilephone": "phone",
        "address": "street",
        "address2": "unit",
        "city": "city",
        "state": "state",
        "zip": "zip",
    },
    tiers=[["email"], ["firstname", "lastname", "birthday"], ["address", "address2", "city", "state", "zip"]],
    key_property="patient_id",
    accept="certain",
    aliases={"email": ("more_mails",)},
)
PROVISIONAL = replace(PATIENTS, accept="provisional")
Row = Mapping[str, str | None]
LETTERS = {"agree": "A", "near": "N", "conflict": "X", "unknown": "?", None: ""}
"""Short for the tables of tests: what first name, last name and birth date come to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    outcome: str
    remote_id: str | None
    rule: str | None
    grade: str | None
    reason: str
    candidates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    tier: int
    rule: str
    grade: str
    reason: str
    letters: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    rows: Mapping[str, Decision]
    pairs: Mapping[tuple[str, str], Pair]

    def links(self) -> dict[str, str | None]:
        return {key: row.remote_id for key, row in self.rows.items() if row.outcome == "link"}


def decide(
    ours: Iterable[Row],
    theirs: Iterable[Row],
    *,
    spec: MatchSpec = PATIENTS,
    linked: Mapping[str, str] | None = None,
    ruled: Iterable[tuple[str, str, str]] = (),
    everyone: Iterable[Row] | None = None,
) -> Decided:
    """Run the matcher over literal rows; `key` and `id` are made up ("1", "r1") where a row has none."""
    db = duckdb.connect(config={"threads": 1})
    aliases = [name for names in spec.aliases.values() for name in names]
    _table(db, "ours", ["key", *spec.properties()], [{"key": str(n), **row} for n, row in enumerate(ours, 1)])
    remote = [{"id": f"r{n}", **row} for n, row in enumerate(theirs, 1)]
    _table(db, "theirs", ["id", spec.key_property, *spec.properties(), *aliases], remote)
    _table(db, "linked", ["key", "remote_id"], [{"key": k, "remote_id": r} for k, r in (linked or {}).items()])
    _table(
        db, "ruled", ["key", "remote_id", "verdict"], [{"key": k, "remote_id": r, "verdict": v} for k, r, v in ruled]
    )
    if everyone is not None:
        _table(db, "everyone", ["key", *spec.properties()], list(everyone))
    name = None if everyone is None else "everyone"
    match(db, spec, source="ours", remote="theirs", links="linked", decisions="ruled", everyone=name, today=TODAY)
    return read_decisions(db)


def read_decisions(db: duckdb.DuckDBPyConnection) -> Decided:
    rows = db.execute("SELECT key, outcome, remote_id, rule, grade, reason, candidates FROM match_outcome").fetchall()
    names = ("outcome", "remote_id", "rule", "grade", "reason", "candidates")
    pairs = db.execute(
        "SELECT key, remote_id, tier, rule, grade, reason, first_name, last_name, birth_date FROM match_candidate"
    ).fetchall()
    assert len({row[0] for row in rows}) == len(rows)
    return Decided(
        rows={key: Decision(**dict(zip(names, rest, strict=True))) for key, *rest in rows},
        pairs={
            (k, r): Pair(tier=t, rule=rule, grade=g, reason=why, letters="".join(LETTERS[level] for level in levels))
            for k, r, t, rule, g, why, *levels in pairs
        },
    )


def _table(db: duckdb.DuckDBPyConnection, name: str, columns: list[str], rows: list[dict[str, str | None]]) -> None:
    unknown = {column for row in rows for column in row} - set(columns)
    assert not unknown, f"no such column in {name}: {unknown}"
    values = {column: pa.array([row.get(column) for row in rows], pa.string()) for column in columns}
    db.register("literal_rows", pa.table(values))
    db.execute(f"CREATE TABLE {name} AS FROM literal_rows")
    db.unregister("literal_rows")


def only(ours: Row, theirs: Row, *, spec: MatchSpec = PATIENTS) -> tuple[Decision, Pair | None]:
    """One row, one record: the decision and the pair, None if no tier brought them together."""
    answer = decide([ours], [theirs], spec=spec)
    return answer.rows["1"], answer.pairs.get(("1", "r1"))
