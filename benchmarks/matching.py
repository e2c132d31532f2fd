"""Matching n source rows against n records on three tiers, with families: seconds, peak memory, precision and recall.

Run: python -m benchmarks.matching [N]. The generator is set SQL; its rates are assumptions, kept in `population`.
"""

from __future__ import annotations

import resource
import sys
import time
from datetime import date

import duckdb

from careloom.identity.match import MatchSpec, match

SPEC = MatchSpec(
    roles={
        "firstname": "first_name",
        "lastname": "last_name",
        "birthday": "birth_date",
        "gender": "sex",
        "email": "email",
        "phone": "phone",
        "address": "street",
        "address2": "unit",
        "city": "city",
        "state": "state",
        "zip": "zip",
    },
    tiers=[["email"], ["firstname", "lastname", "birthday"], ["address", "address2", "city", "state", "zip"]],
    key_property="patient_id",
    accept="certain",
    aliases={},
)

# Families of one to six: a couple, children on a parent's mail (twins among them, of one birth date), sons with the father's name.
PEOPLE = """
CREATE TABLE person AS
WITH family AS (SELECT i AS family, 1 + (hash(i, 'size') % 6)::INTEGER AS size, hash(i, 'head') AS h FROM range(ceil($people / 3.5)::BIGINT) AS r(i)),
member AS (SELECT family, size, h, unnest(range(size)) AS place FROM family),
drawn AS (SELECT *, hash(family, place, 'p') AS p, hash(family, place - place % 2, 't') AS t FROM member)
SELECT family * 8 + place AS person, family, place, p,
  CASE WHEN place = 0 THEN 'm' WHEN place = 1 THEN 'f' WHEN p % 2 = 0 THEN 'm' ELSE 'f' END AS sex,
  CASE WHEN place = 2 AND h % 30 = 0 AND p % 2 = 0 THEN hash(family, 0, 'p') ELSE p END AS n,
  CASE WHEN place = 1 AND p % 5 = 0 THEN p ELSE h END AS ln,
  CASE WHEN place < 2 THEN DATE '1935-01-01' + (p % 22000)::INTEGER
       WHEN h % 16 = 0 THEN DATE '1985-01-01' + (t % 12000)::INTEGER ELSE DATE '1985-01-01' + (p % 12000)::INTEGER END AS born,
  place = 2 AND h % 30 = 0 AND p % 2 = 0 AS junior,
  CASE WHEN place > 1 AND p % 8 < 7 OR place = 1 AND p % 8 = 0 THEN family * 8 ELSE family * 8 + place END AS mailbox
FROM drawn
"""
NAMES = {
    "m": "james robert john michael william david richard joseph thomas charles christopher daniel matthew anthony mark donald "
    "steven paul andrew joshua kenneth kevin brian george edward ronald timothy jason jeffrey ryan jacob gary nicholas eric "
    "jonathan stephen larry justin scott brandon benjamin samuel gregory frank alexander raymond patrick jack dennis jerry",
    "f": "mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty margaret sandra ashley "
    "kimberly emily donna michelle carol amanda dorothy melissa deborah stephanie rebecca sharon laura cynthia kathleen amy "
    "angela shirley anna brenda pamela emma nicole helen samantha katherine christine debra rachel carolyn janet catherine maria",
}
SYLLABLES = "bar cor dun el fan gar hol ing jor ken lor mor nor os par quin ros sal tor ul van wes yor zel"
RECORD = """
CREATE TABLE {table} AS
WITH drawn AS (SELECT *, hash(person, '{table}') AS r, hash(person, '{table}', 2) AS q FROM person WHERE hash(person, 'in {table}') % 10 < 8)
SELECT person::VARCHAR AS person, '{table}' || row_number() OVER (ORDER BY r) AS {key}, NULL::VARCHAR AS patient_id,
  CASE WHEN r % 50 = 0 THEN first[1:2] || 'q' || first[3:] WHEN r % 67 = 1 THEN left(first, 1) ELSE upper(first) END AS firstname,
  CASE WHEN q % 60 = 0 THEN last[1:3] || last[5:] WHEN q % 40 = 1 AND sex = 'f' THEN syl[(q % 24)::INTEGER + 1] || 'married'
       ELSE upper(last) END || CASE WHEN junior AND q % 2 = 0 THEN ' Jr.' ELSE '' END AS lastname,
  CASE WHEN r % 100 < 15 THEN NULL WHEN r % 100 = 15 THEN '1900-01-01' WHEN r % 100 = 16 AND day(born) <= 12
       THEN strftime(make_date(year(born), day(born), month(born)), '%Y-%m-%d') WHEN r % 2 = 0 THEN strftime(born, '%m/%d/%Y') ELSE strftime(born, '%Y-%m-%d') END AS birthday,
  CASE WHEN q % 10 = 0 THEN NULL ELSE sex END AS gender,
  CASE WHEN r // 7 % 100 < 25 THEN NULL WHEN r // 7 % 100 = 25 THEN 'noreply@clinic.org' WHEN r // 7 % 100 < 36 THEN 'other' || person || '{table}@example.org'
       ELSE 'U' || mailbox || '@example.com' END AS email,
  CASE WHEN q // 7 % 100 < 20 THEN NULL ELSE '(' || (201 + family % 700) || ') ' || (201 + family // 700 % 799) || '-' || lpad((1000 + mailbox % 8999)::VARCHAR, 4, '0') END AS phone,
  CASE WHEN q // 11 % 100 < 12 THEN NULL ELSE (1 + hash(home, 1) % 9899) || CASE WHEN r % 2 = 0 THEN ' North ' ELSE ' N ' END
       || ['Oak', 'Park', 'Elm', 'Lake', 'Hill', 'Main', 'Mill'][(hash(home, 2) % 7)::INTEGER + 1] || CASE WHEN q % 2 = 0 THEN ' Street' ELSE ' St.' END END AS address,
  CASE WHEN family % 4 = 0 THEN 'Apt ' || (family // 4 % 20 + 1) END AS address2, 'Springfield' AS city, 'TX' AS state,
  lpad((10000 + hash(home, 3) % 33000)::VARCHAR, 5, '0') AS zip
FROM (SELECT *, names[sex][((n // 5 % 8 * (n // 350 % 8) // 8 + CASE WHEN junior THEN 0 ELSE place * 8 END) % 50)::INTEGER + 1] AS first,
        syl[(ln // 3 % 24)::INTEGER + 1] || syl[(ln // 77 % 24)::INTEGER + 1] || syl[(ln // 2003 % 24)::INTEGER + 1] AS last,
        CASE WHEN r % 12 = 0 THEN r WHEN family % 4 = 0 THEN family // 80 ELSE family END AS home
      FROM drawn, (SELECT map {{'m': {men}, 'f': {women}}} AS names, {syllables} AS syl))
"""


def populate(db: duckdb.DuckDBPyConnection, people: int) -> None:
    """Tables ours and theirs, each with four of five of the people; `person` is the truth."""
    db.execute(PEOPLE, {"people": people})
    lists = {"men": NAMES["m"].split(), "women": NAMES["f"].split(), "syllables": SYLLABLES.split()}
    for table, key in (("ours", "key"), ("theirs", "id")):
        db.execute(RECORD.format(table=table, key=key, **lists))
    db.execute("CREATE TABLE linked(key VARCHAR, remote_id VARCHAR)")
    db.execute("CREATE TABLE ruled(key VARCHAR, remote_id VARCHAR, verdict VARCHAR)")


def score(db: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Precision and recall of links, and the shares of outcomes."""
    links, right = db.execute(
        "SELECT count(*), count(*) FILTER (o.person = t.person) FROM match_outcome AS d"
        " JOIN ours AS o USING (key) JOIN theirs AS t ON t.id = d.remote_id WHERE outcome = 'link'"
    ).fetchall()[0]
    true = db.execute("SELECT count(*) FROM ours JOIN theirs USING (person)").fetchall()[0][0]
    review = db.execute("SELECT count(*) FROM match_outcome WHERE outcome = 'review'").fetchall()[0][0]
    return {
        "links": links,
        "wrong": links - right,
        "precision": right / max(links, 1),
        "recall": right / true,
        "review": review,
    }


def main() -> None:
    """Print one line for people, seconds, memory and the score."""
    people = int(float(sys.argv[1])) if len(sys.argv) > 1 else 250_000
    db = duckdb.connect(config={"threads": 2, "memory_limit": "3GiB"})
    populate(db, people)
    rows = db.execute("SELECT (SELECT count(*) FROM ours), (SELECT count(*) FROM theirs)").fetchall()[0]
    started = time.perf_counter()
    match(db, SPEC, source="ours", remote="theirs", links="linked", decisions="ruled", today=date(2026, 1, 1))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print({"ours": rows[0], "theirs": rows[1], "seconds": round(seconds, 1), "peak_gib": round(peak, 2), **score(db)})


if __name__ == "__main__":
    main()
