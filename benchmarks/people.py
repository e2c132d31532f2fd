"""The same invented people for every contender: a DuckDB warehouse of one table, and the properties that receive them.

Run as a process of its own (`python -m benchmarks.people FILE ROWS [BAD]`), so that whoever measures stays small.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

COLUMNS = (
    "patient_id",
    "email",
    "firstname",
    "lastname",
    "phone",
    "address",
    "city",
    "state",
    "zip",
    "birth_date",
    "care_plan",
    "visits",
    "last_visit",
)
PLANS = ("none", "basic", "full")
# The portal has them all, also the one that careloom would make for shared mails: nobody's time goes into definitions.
PORTAL_PROPERTIES = (
    {"name": "shared_email", "type": "string", "fieldType": "text"},
    {"name": "patient_id", "type": "string", "fieldType": "text", "hasUniqueValue": True},
    {"name": "birth_date", "type": "date", "fieldType": "date"},
    {
        "name": "care_plan",
        "type": "enumeration",
        "fieldType": "select",
        "options": [{"label": plan, "value": plan} for plan in PLANS],
    },
    {"name": "visits", "type": "number", "fieldType": "number"},
    {"name": "last_visit", "type": "datetime", "fieldType": "date"},
)

_SYLLABLES = ["bar", "cor", "dun", "el", "fan", "gar", "hol", "ing", "jor", "ken", "lor", "mor", "nor", "os", "par"]
_PEOPLE = """
create table people as
select 'P' || lpad(i::varchar, 7, '0') as patient_id,
    'person' || i || '@example.org' as email,
    upper(syl[i % 15 + 1][1]) || syl[i % 15 + 1][2:] || syl[i // 15 % 15 + 1] as firstname,
    upper(syl[i // 7 % 15 + 1][1]) || syl[i // 7 % 15 + 1][2:] || syl[i // 225 % 15 + 1] || syl[i // 3375 % 15 + 1] as lastname,
    '+1212555' || lpad((i % 10000)::varchar, 4, '0') as phone,
    (1 + i % 9899) || ' ' || ['Oak', 'Park', 'Elm', 'Lake', 'Hill'][i % 5 + 1] || ' Street' as address,
    'Springfield' as city, 'TX' as state, lpad((10000 + i % 33000)::varchar, 5, '0') as zip,
    strftime(date '1935-01-01' + (hash(i) % 25000)::integer, '%Y-%m-%d') as birth_date,
    plans[i % 3 + 1] as care_plan,
    (i % 90)::varchar as visits,
    strftime(timestamp '2026-01-01 08:00:00' + to_minutes((i % 200000)::bigint), '%Y-%m-%dT%H:%M:%SZ') as last_visit
from range(1, $rows + 1) as r(i), (select $syllables as syl, $plans as plans)
order by i
"""
# Six faults in turn: three mails that only HubSpot refuses, an option, a date and a number that no property admits.
_FAULTS = {
    "email": "case kind when 0 then 'person' || patient_id when 1 then patient_id || '@example' when 2 then patient_id || '@' else email end",
    "care_plan": "case kind when 3 then 'platinum' else care_plan end",
    "birth_date": "case kind when 4 then '1990-31-31' else birth_date end",
    "visits": "case kind when 5 then 'often' else visits end",
}


def make(file: Path, rows: int, bad: int) -> None:
    """Write `rows` people into the table `people` of `file`; `bad` of them, scattered, have a fault each.

    What the faulty rows should be is kept in the table `mended`.
    """
    file.unlink(missing_ok=True)
    with duckdb.connect(file) as db:
        db.execute(_PEOPLE, {"rows": rows, "syllables": _SYLLABLES, "plans": list(PLANS)})
        db.execute(
            "create table mended as select *, row_number() over (order by hash(patient_id, 'bad')) % 6 as kind"
            f" from people order by hash(patient_id, 'bad') limit {bad}"
        )
        faults = ", ".join(f"{column} = b.{column}" for column in _FAULTS)
        wrong = ", ".join(f"{fault} as {column}" for column, fault in _FAULTS.items())
        db.execute(
            f"update people set {faults} from (select patient_id, {wrong} from mended) b where b.patient_id = people.patient_id"
        )


def mend(file: Path) -> None:
    """Give the faulty rows the values they should have."""
    with duckdb.connect(file) as db:
        right = ", ".join(f"{column} = m.{column}" for column in _FAULTS)
        db.execute(f"update people set {right} from mended m where m.patient_id = people.patient_id")


def main() -> None:
    """FILE ROWS [BAD] makes; FILE `mend` mends."""
    file = Path(sys.argv[1])
    if sys.argv[2] == "mend":
        mend(file)
    else:
        make(file, int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)


if __name__ == "__main__":
    main()
