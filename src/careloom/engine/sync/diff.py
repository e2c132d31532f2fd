"""What is new, changed, the same or gone, against the ledger."""

from __future__ import annotations

import duckdb
import pyarrow as pa

# Tables that this module makes:
#   sent(key, remote_id, fingerprint), stopped(key, kind, code, property, fingerprint)   the ledger, as recalled
#   verdict(row, key, fp, class, remote_id, sent_fp, code, property)                   one line a source row
#   gone(key, remote_id)                                                             linked, and no longer in the source


def recall(db: duckdb.DuckDBPyConnection, links: pa.Table, holds: pa.Table) -> None:
    """Fill `sent` and `stopped` from the ledger."""
    recall_links(db, links)
    db.register("incoming", holds)
    db.execute("create table stopped as select * from incoming")
    db.unregister("incoming")


def recall_links(db: duckdb.DuckDBPyConnection, links: pa.Table) -> None:
    """Fill `sent` from the ledger, again where it was filled before."""
    db.register("incoming", links)
    db.execute("create or replace table sent as select * from incoming")
    db.unregister("incoming")


def compare(db: duckdb.DuckDBPyConnection, *, full: bool) -> None:
    """Make `verdict`: new, changed, same, held (the row's own fault) or stopped (refused before, and not changed since).

    With `full`, rows that are the same count as changed, so that the other side is looked at.
    """
    # Some systems take keys that differ only by case for one: such rows would become one record.
    db.execute(
        """
        create table twice as
        with known as (select key from wanted where key <> '' union all select key from sent anti join wanted using (key)),
             folded as (select key, lower(key) as fold from known)
        select distinct key from folded where fold in (select fold from folded group by fold having count(*) > 1)
        """
    )
    db.execute(
        f"""
        create table verdict as
        select w.row, w.key, w.fp, s.remote_id, s.fingerprint as sent_fp,
            case when coalesce(w.key, '') = '' or d.key is not null or w.fault is not null then 'held'
                 when h.kind = 'remote' and h.fingerprint = w.fp then 'stopped'
                 when s.key is null then 'new'
                 when s.fingerprint <> w.fp or {"true" if full else "false"} then 'changed'
                 else 'same' end as class,
            case when coalesce(w.key, '') = '' then 'null-key'
                 when d.key is not null then 'duplicate-key'
                 when w.fault is not null then string_split(w.fault, ':')[2]
                 when h.kind = 'remote' then h.code end as code,
            case when coalesce(w.key, '') <> '' and d.key is null and w.fault is not null then nullif(string_split(w.fault, ':')[1], '')
                 when h.kind = 'remote' then h.property end as property
        from wanted w
        left join twice d using (key) left join sent s using (key) left join stopped h using (key)
        """
    )


def find_gone(db: duckdb.DuckDBPyConnection, *, full_scan: bool) -> None:
    """Make `gone`: links whose key the source no longer has; none unless the source was read whole (`full_scan`)."""
    db.execute(
        "create table gone as select key, remote_id from sent"
        f" anti join (select key from wanted where key is not null) using (key) where {'true' if full_scan else 'false'}"
    )


def outlived_refusals(db: duckdb.DuckDBPyConnection) -> list[str]:
    """Keys that were refused and no longer matter: their row left the source, or is again as it was last acknowledged."""
    statement = """
        select key from stopped where kind = 'remote' and key not in (select key from wanted where key is not null)
        union
        select s.key from stopped s join verdict v using (key) where s.kind = 'remote' and v.class = 'same'
        """
    return [row[0] for row in db.execute(statement).fetchall()]


def count_classes(db: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many rows are of each class."""
    return dict(db.execute("select class, count(*) from verdict group by class").fetchall())


def source_digest(db: duckdb.DuckDBPyConnection) -> str:
    """One number for all that the source wants: it moves when any row does, whatever their order."""
    statement = "select count(*), coalesce(bit_xor(md5_number(concat_ws('|', key, fp, fault))), 0) from wanted"
    rows, digest = db.execute(statement).fetchall()[0]
    return f"{rows}:{digest}"
