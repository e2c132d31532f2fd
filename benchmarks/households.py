"""Matching a population that others made: python -m benchmarks.households FILE.parquet

FILE is what `benchmarks/household_records.py` writes. What becomes of everybody who is really on the other side, and of those
who are not.
"""

from __future__ import annotations

import sys
from datetime import date

import duckdb

from benchmarks.matching import SPEC
from careloom.identity.match import match

_SIDES = """
create table {table} as
select person, row_number() over (order by person)::varchar as {key}, null::varchar as patient_id, null::varchar as phone,
    firstname, lastname, birthday, gender, email, address, address2, city, state, zip
from records where side = '{table}'
"""
_COUNTS = """
with there as (select o.key, list(t.id) as ids from ours o join theirs t using (person) group by o.key)
select count(*) as rows, count(there.key) as "really there",
    count(*) filter (outcome = 'link' and list_contains(ids, d.remote_id)) as "linked rightly",
    count(*) filter (outcome = 'link' and not coalesce(list_contains(ids, d.remote_id), false)) as "linked wrongly",
    count(*) filter (outcome = 'review' and there.key is not null) as "asked of those there",
    count(*) filter (outcome = 'review' and exists(from match_candidate c where c.key = d.key and list_contains(ids, c.remote_id))) as "with the right record",
    count(*) filter (outcome = 'review' and there.key is null) as "asked of others",
    count(*) filter (outcome = 'none' and there.key is not null) as "created though there"
from match_outcome d left join there using (key)
"""


def main() -> None:
    """Print one line a count, with its share of those who are really there."""
    db = duckdb.connect()
    db.read_parquet(sys.argv[1]).create_view("records")
    for table, key in (("ours", "key"), ("theirs", "id")):
        db.execute(_SIDES.format(table=table, key=key))
    db.execute("create table linked(key varchar, remote_id varchar)")
    db.execute("create table ruled(key varchar, remote_id varchar, verdict varchar)")
    match(db, SPEC, source="ours", remote="theirs", links="linked", decisions="ruled", today=date(2026, 1, 1))
    counts = db.execute(_COUNTS)
    names = [column[0] for column in counts.description or ()]
    values = dict(zip(names, counts.fetchall()[0], strict=True))
    for name, value in values.items():
        print(f"{name:22} {value:7,}  {value / values['really there']:7.2%}")


if __name__ == "__main__":
    main()
