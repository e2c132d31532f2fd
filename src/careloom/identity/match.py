"""Matches source rows to the records that a destination already holds, as set SQL over columns, never joining two people.

Tiers bring candidates together; a decision table over evidence (agree, near, conflict, unknown) grades each pair; a pair is
linked only if it alone is left for its row and its record, and nothing contradicts it. All else is "none" or goes to a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import duckdb

from careloom.core.errors import Stop
from careloom.identity.columns import MatchSpec, demand_columns, demand_roles, key_table, raw_view
from careloom.identity.evidence import statement_for
from careloom.identity.normal import columns_of, fill, install, settle_phones
from careloom.identity.rules import REASONS, RULES

__all__ = ["REASONS", "RULES", "MatchSpec", "match", "match_nobody"]

_OLDEST = 120  # years; nobody alive is older


def match(  # noqa: PLR0913 -- five tables and two settings are what matching is
    db: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    *,
    source: str,
    remote: str,
    links: str,
    decisions: str,
    everyone: str | None = None,
    today: date | None = None,
) -> None:
    """Decide for each row of `source` which record of `remote` it is, if any.

    Tables of `db` by name: `source`(key, a VARCHAR column for each property of the spec), the source rows not linked yet;
    `remote`(id, the same columns, `spec.key_property` and the aliases), all remote records; `links`(key, remote_id), pairs of
    this sync; `decisions`(key, remote_id, verdict "never" or "link"), what a person said; `everyone`, all source rows with the
    columns of `source` (default `source`): namesakes, traps and rivals are sought among them. Birth dates after `today` or more
    than 120 years before are placeholders; without it, years 1900 to 2098 stand.

    Makes the tables match_outcome(key, outcome "link" | "none" | "review", remote_id, rule, grade "certain" | "provisional"
    | NULL, reason, candidates), one line for each row of ours, and match_candidate(key, remote_id, tier, rule, grade, reason,
    a column for each of the spec's comparisons, trap, namesakes), one line for each pair considered, blocked ones too; `tier`
    counts from 1, 0 is our key or a person's word. Reasons are keys of `REASONS`; rules of `RULES` ("exact:2" is "exact").
    Stop if a column is missing, a role is read by nothing, or a key is twice in `source`, `everyone` or the ids of `remote`.
    """
    everyone = everyone or source
    _check(db, spec, source=source, everyone=everyone, remote=remote)
    install(db)
    _settings(db, spec, today)
    db.execute(f"CREATE OR REPLACE TEMP VIEW match_linked AS FROM {links}")
    db.execute(f"CREATE OR REPLACE TEMP VIEW match_word AS FROM {decisions}")
    db.execute(raw_view(spec, fresh=source, everyone=everyone, remote=remote))
    with _in_any_order(db):
        _run(db, spec)
    _tidy(db)


def match_nobody(db: duckdb.DuckDBPyConnection, source: str) -> None:
    """Make match_outcome as `match` does where no record can be any of `source`'s (key)."""
    db.execute("DROP TABLE IF EXISTS match_candidate")
    db.execute(
        "CREATE OR REPLACE TABLE match_outcome AS SELECT key, 'none' AS outcome, NULL::VARCHAR AS remote_id,"
        f" NULL::VARCHAR AS rule, NULL::VARCHAR AS grade, 'no-candidate' AS reason, 0 AS candidates FROM {source}"
    )


def _run(db: duckdb.DuckDBPyConnection, spec: MatchSpec) -> None:
    db.execute(statement_for(spec, "record"))
    settle_phones(db, "SELECT t FROM match_dialled WHERE phone IS NULL")
    db.execute(statement_for(spec, "evidence"))
    db.execute(key_table(spec))
    db.execute(statement_for(spec, "pairs"))
    db.execute(statement_for(spec, "verdict" if spec.people else "exact"))
    db.execute(statement_for(spec, "resolve"))


@contextmanager
def _in_any_order(db: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """No statement here depends on the order of rows; keeping it would cost threads and memory."""
    setting = db.execute("SELECT current_setting('preserve_insertion_order')").fetchall()[0][0]
    db.execute("SET preserve_insertion_order = false")
    try:
        yield
    finally:
        db.execute(f"SET preserve_insertion_order = {str(setting).lower()}")


def _check(db: duckdb.DuckDBPyConnection, spec: MatchSpec, *, source: str, everyone: str, remote: str) -> None:
    demand_roles(spec)
    aliases = [alias for names in spec.aliases.values() for alias in names]
    demand_columns(db, source, ["key", *spec.properties()])
    demand_columns(db, everyone, ["key", *spec.properties()])
    demand_columns(db, remote, ["id", spec.key_property, *spec.properties(), *aliases])
    for table, key in ((source, "key"), (everyone, "key"), (remote, "id")):
        rows, keys = db.execute(f"SELECT count(*), count(DISTINCT {key}) FROM {table}").fetchall()[0]
        if rows != keys:
            raise Stop(
                f"matching was given the table {table} with {rows - keys} rows whose {key} is empty or not unique"
            )


def _settings(db: duckdb.DuckDBPyConnection, spec: MatchSpec, today: date | None) -> None:
    oldest = None if today is None else f"{today.year - _OLDEST:04}{today:-%m-%d}"
    for name, value in (
        ("accept", spec.accept),
        ("today", None if today is None else f"{today:%Y-%m-%d}"),
        ("oldest", oldest),
    ):
        db.execute(f"SET VARIABLE match_{name} = $1::VARCHAR", [value])
    db.execute("CREATE OR REPLACE TEMP TABLE match_table(rule VARCHAR, grade VARCHAR, reason VARCHAR)")
    rows = [(code, rule.grade, rule.reason) for code, rule in spec.rules.items()]
    fill(db, "match_table", columns_of(rows))


def _tidy(db: duckdb.DuckDBPyConnection) -> None:
    """Drop what was made on the way; it holds people, and memory."""
    db.execute("DROP VIEW match_raw")
    db.execute("DROP VIEW match_linked")
    db.execute("DROP VIEW match_word")
    query = "SELECT table_name FROM duckdb_tables() WHERE temporary AND table_name LIKE 'match\\_%' ESCAPE '\\'"
    for (table,) in db.execute(query).fetchall():
        db.execute(f"DROP TABLE temp.{table}")
    db.execute("DROP SEQUENCE match_number")
