"""What is new, changed, the same or gone, against the ledger."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from careloom.engine.sync.tables import empty, fill
from careloom.engine.workspace import incoming


def recall(db: duckdb.DuckDBPyConnection, links: pa.Table, holds: pa.Table) -> None:
    """Fill `links` and `refusals` from the ledger; of `holds` those that the other side refused."""
    fill(db, "links", links)
    empty(db, "refusals")
    with incoming(db, holds):
        db.execute(
            "insert into refusals by name select key, code, property, fingerprint from incoming where kind = 'remote'"
        )


def recall_links(db: duckdb.DuckDBPyConnection, links: pa.Table) -> None:
    """Fill `links` from the ledger again: a run has made some meanwhile."""
    fill(db, "links", links)


def compare(db: duckdb.DuckDBPyConnection, *, full: bool) -> None:
    """Fill `row_class`: new, changed, same, held (the row's own fault) or refused (before, and not changed since).

    With `full`, rows that are the same count as changed, so that the other side is looked at.
    """
    empty(db, "row_class")
    # Some systems take keys that differ only by case for one: such rows would become one record.
    db.execute(
        f"""
        insert into row_class
        with known_keys as (
            select key from desired where key <> '' union all select key from links anti join desired using (key)
        ),
        folded_keys as (select key, lower(key) as fold from known_keys),
        clashing_keys as (
            select distinct key from folded_keys
            where fold in (select fold from folded_keys group by fold having count(*) > 1)
        )
        select desired.row, desired.key, desired.fingerprint,
            case when coalesce(desired.key, '') = '' or clashing_keys.key is not null or desired.fault is not null then 'held'
                 when refusals.fingerprint = desired.fingerprint then 'refused'
                 when links.key is null then 'new'
                 when links.fingerprint <> desired.fingerprint or {"true" if full else "false"} then 'changed'
                 else 'same' end as class,
            links.remote_id,
            case when coalesce(desired.key, '') = '' then 'null-key'
                 when clashing_keys.key is not null then 'duplicate-key'
                 when desired.fault is not null then string_split(desired.fault, ':')[2]
                 else refusals.code end as code,
            case when coalesce(desired.key, '') <> '' and clashing_keys.key is null and desired.fault is not null
                 then nullif(string_split(desired.fault, ':')[1], '')
                 else refusals.property end as property
        from desired
        left join clashing_keys using (key) left join links using (key) left join refusals using (key)
        """
    )


def find_gone(db: duckdb.DuckDBPyConnection, *, full_scan: bool) -> None:
    """Fill `gone_links`: links whose key the source no longer has; none unless it was read whole (`full_scan`)."""
    empty(db, "gone_links")
    if full_scan:
        db.execute(
            "insert into gone_links select key, remote_id from links"
            " anti join (select key from desired where key is not null) using (key)"
        )


def spare_linked(db: duckdb.DuckDBPyConnection, links: pa.Table) -> None:
    """A record that another sync links, by `links`, does not leave with this sync's row."""
    with incoming(db, links):
        db.execute("delete from gone_links where remote_id in (select remote_id from incoming)")


def list_changed(db: duckdb.DuckDBPyConnection) -> None:
    """Fill `changed_rows` with the new and the changed rows."""
    empty(db, "changed_rows")
    _list(db, "row_class")


def has_changed(db: duckdb.DuckDBPyConnection) -> bool:
    """Whether something must be done about any row."""
    return bool(db.execute("select 1 from changed_rows limit 1").fetchall())


def list_again(db: duckdb.DuckDBPyConnection, keys: pa.Table) -> None:
    """Fill `changed_rows` with those of `keys` (key) alone: they are decided once more."""
    empty(db, "changed_rows")
    with incoming(db, keys):
        _list(db, "row_class semi join incoming using (key)")


def _list(db: duckdb.DuckDBPyConnection, rows: str) -> None:
    db.execute(
        "insert into changed_rows select key, row, fingerprint, class, remote_id, 'key', 'certain', ''"
        f" from {rows} where class in ('new', 'changed')"
    )


def outlived_refusals(db: duckdb.DuckDBPyConnection) -> list[str]:
    """Keys that were refused and no longer matter: their row left the source, or is again as it was last acknowledged."""
    statement = """
        select key from refusals where key not in (select key from desired where key is not null)
        union
        select refusals.key from refusals join row_class using (key) where row_class.class = 'same'
        """
    return [row[0] for row in db.execute(statement).fetchall()]


def count_classes(db: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many rows are of each class."""
    return dict(db.execute("select class, count(*) from row_class group by class").fetchall())


def count_gone(db: duckdb.DuckDBPyConnection) -> int:
    """How many links have lost their row."""
    return int(db.execute("select count(*) from gone_links").fetchall()[0][0])


def count_links(db: duckdb.DuckDBPyConnection) -> int:
    """How many rows have a record."""
    return int(db.execute("select count(*) from links").fetchall()[0][0])


def lacks_keys(db: duckdb.DuckDBPyConnection) -> bool:
    """Whether the source has rows without a key."""
    return bool(db.execute("select 1 from row_class where code = 'null-key' limit 1").fetchall())


def source_digest(db: duckdb.DuckDBPyConnection) -> str:
    """One number for all that the source says: it moves when any row does, whatever their order."""
    statement = (
        "select count(*), coalesce(bit_xor(md5_number(concat_ws('|', key, fingerprint, fault))), 0) from desired"
    )
    rows, digest = db.execute(statement).fetchall()[0]
    return f"{rows}:{digest}"
