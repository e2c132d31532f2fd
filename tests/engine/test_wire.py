"""How values travel: what each type becomes on the wire, what stops a row, and what an answer reads as."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from careloom.core.schema import TextForm
from careloom.engine.sql_text import name, text
from careloom.engine.sync.encode import EncodedField, canonical
from careloom.engine.sync.rows import projection
from careloom.engine.workspace import open_workspace

NEW_YORK = "America/New_York"
many = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_workspace(tmp_path_factory.mktemp("bench")) as workspace:
        yield workspace


def local(text_: str) -> datetime:
    """A clock's time, without its zone."""
    return datetime.fromisoformat(text_)


def encode_value(
    db: duckdb.DuckDBPyConnection,
    value: Any,
    type_: str,
    *,
    source: str = "VARCHAR",
    zone: str = NEW_YORK,
    **options: Any,
) -> tuple[str | None, str | None]:
    """The text and the fault of one value of the source type `source`."""
    field = EncodedField(property="p", expression='"x"', type=type_, **options)  # type: ignore[arg-type]
    db.execute(f"create or replace table source (_row bigint, id varchar, x {source})")
    db.execute("insert into source values (1, 'K', ?)", [value])
    row = db.execute(f"select p, fault from ({projection(db, [field], 'id', zone, 'source')})").fetchall()[0]
    return row[0], row[1]


def ok(value: str | None) -> tuple[str | None, None]:
    return value, None


def fault(code: str) -> tuple[None, str]:
    return None, f"p:{code}"


# ---------------------------------------------------------------- tables


@pytest.mark.parametrize(
    ("value", "source", "expected"),
    [
        ("12", "VARCHAR", ok("12")),
        (" 0012.50 ", "VARCHAR", ok("12.5")),
        ("+.5", "VARCHAR", ok("0.5")),
        ("-0.00", "VARCHAR", ok("0")),
        ("1e5", "VARCHAR", ok("100000")),
        ("", "VARCHAR", ok(None)),
        (" \t\n\u00a0", "VARCHAR", ok(None)),
        (None, "VARCHAR", ok(None)),
        ("1,234", "VARCHAR", fault("not-a-number")),
        ("1_000", "VARCHAR", fault("not-a-number")),
        ("0x1F", "VARCHAR", fault("not-a-number")),
        ("NaN", "VARCHAR", fault("not-a-number")),
        ("infinity", "VARCHAR", fault("not-a-number")),
        ("twelve", "VARCHAR", fault("not-a-number")),
        (12, "INTEGER", ok("12")),
        (170141183460469231731687303715884105727, "HUGEINT", ok("170141183460469231731687303715884105727")),
        (Decimal("12.340"), "DECIMAL(18, 3)", ok("12.34")),
        (0.1, "DOUBLE", ok("0.1")),
        (1e21, "DOUBLE", ok("1000000000000000000000")),
        (1e-7, "DOUBLE", ok("0.0000001")),
        (float("inf"), "DOUBLE", fault("not-a-number")),
        (float("nan"), "DOUBLE", fault("not-a-number")),
    ],
)
def test_numbers_are_plain_decimals(db: duckdb.DuckDBPyConnection, value: Any, source: str, expected: Any) -> None:
    assert encode_value(db, value, "number", source=source) == expected


@pytest.mark.parametrize(
    ("value", "source", "pattern", "expected"),
    [
        ("2026-02-28", "VARCHAR", None, ok("2026-02-28")),
        ("2026-02-28 23:59:59", "VARCHAR", None, ok("2026-02-28")),
        ("2026-02-30", "VARCHAR", None, fault("not-a-date")),
        ("02/28/2026", "VARCHAR", None, fault("not-a-date")),
        ("02/28/2026", "VARCHAR", "%m/%d/%Y", ok("2026-02-28")),
        (" 02/28/2026 ", "VARCHAR", "%m/%d/%Y", ok("2026-02-28")),
        ("2026-02-28", "VARCHAR", "%m/%d/%Y", fault("not-a-date")),
        ("", "VARCHAR", "%m/%d/%Y", ok(None)),
        (date(1936, 2, 29), "DATE", None, ok("1936-02-29")),
        (date(1, 1, 1), "DATE", None, fault("not-a-date")),
        (local("2026-01-01T23:30"), "TIMESTAMP", None, ok("2026-01-01")),
        # The same moment is another day where the clinic is.
        (datetime(2026, 1, 2, 3, 0, tzinfo=UTC), "TIMESTAMP WITH TIME ZONE", None, ok("2026-01-01")),
    ],
)
def test_dates_are_days_of_the_clinic(
    db: duckdb.DuckDBPyConnection, value: Any, source: str, pattern: str | None, expected: Any
) -> None:
    assert encode_value(db, value, "date", source=source, format=pattern) == expected


@pytest.mark.parametrize(
    ("value", "source", "expected"),
    [
        ("2026-01-01 00:00:00", "VARCHAR", ok("2026-01-01T05:00:00.000Z")),
        ("2026-07-01T12:00", "VARCHAR", ok("2026-07-01T16:00:00.000Z")),
        ("2026-01-01", "VARCHAR", ok("2026-01-01T05:00:00.000Z")),
        ("2026-01-01T05:00:00Z", "VARCHAR", ok("2026-01-01T05:00:00.000Z")),
        ("2026-01-01 05:00:00.123456+02:00", "VARCHAR", ok("2026-01-01T03:00:00.123Z")),
        ("noon", "VARCHAR", fault("not-a-time")),
        ("2026-13-01 00:00", "VARCHAR", fault("not-a-time")),
        (local("2026-01-01"), "TIMESTAMP", ok("2026-01-01T05:00:00.000Z")),
        (date(2026, 1, 1), "DATE", ok("2026-01-01T05:00:00.000Z")),
        (datetime(2026, 1, 1, 5, tzinfo=UTC), "TIMESTAMP WITH TIME ZONE", ok("2026-01-01T05:00:00.000Z")),
        # In spring this hour does not exist: the clock went on from 02:00 to 03:00.
        ("2026-03-08 02:30:00", "VARCHAR", ok("2026-03-08T07:30:00.000Z")),
        # In autumn this hour is there twice: the later one, by the time after the change.
        ("2026-11-01 01:30:00", "VARCHAR", ok("2026-11-01T06:30:00.000Z")),
    ],
)
def test_moments_are_utc_with_milliseconds(
    db: duckdb.DuckDBPyConnection, value: Any, source: str, expected: Any
) -> None:
    assert encode_value(db, value, "datetime", source=source) == expected


@pytest.mark.parametrize("value", ["infinity", "-infinity"])
def test_a_moment_without_end_is_no_moment(db: duckdb.DuckDBPyConnection, value: str) -> None:
    db.execute(f"create or replace table endless as select 1::bigint as _row, 'K' as id, '{value}'::timestamp as x")
    for kind, code in (("datetime", "not-a-time"), ("date", "not-a-date")):
        field = EncodedField(property="p", expression='"x"', type=kind)  # type: ignore[arg-type]
        rows = db.execute(f"select p, fault from ({projection(db, [field], 'id', NEW_YORK, 'endless')})").fetchall()
        assert rows == [(None, f"p:{code}")]


@pytest.mark.parametrize(
    ("value", "source", "expected"),
    [
        *((word, "VARCHAR", ok("true")) for word in ("true", " T ", "Yes", "y", "1")),
        *((word, "VARCHAR", ok("false")) for word in ("False", "f", "NO", "n", "0")),
        ("", "VARCHAR", ok(None)),
        ("perhaps", "VARCHAR", fault("not-a-bool")),
        (True, "BOOLEAN", ok("true")),
        (False, "BOOLEAN", ok("false")),
    ],
)
def test_truth_is_true_or_false(db: duckdb.DuckDBPyConnection, value: Any, source: str, expected: Any) -> None:
    assert encode_value(db, value, "bool", source=source) == expected


@pytest.mark.parametrize(
    ("value", "more", "expected"),
    [
        ("gold", {"options": ("gold", "tin")}, ok("gold")),
        (" gold ", {"options": ("gold", "tin")}, ok("gold")),
        ("Gold", {"options": ("gold", "tin")}, ("Gold", "p:invalid-option")),
        ("", {"options": ("gold", "tin")}, ok(None)),
        ("tin; gold;tin", {"options": ("gold", "tin"), "multiple": True}, ok("gold;tin")),
        (" ; ", {"options": ("gold", "tin"), "multiple": True}, ok(None)),
        ("tin;lead", {"options": ("gold", "tin"), "multiple": True}, ("lead;tin", "p:invalid-option")),
        ("M", {"values": {"M": "Male", "F": "Female"}}, ok("Male")),
        (" M ", {"values": {"M": "Male"}}, ok("Male")),
        ("X", {"values": {"M": "Male"}}, fault("not-in-values")),
        ("X", {"values": {"M": "Male"}, "otherwise": "null"}, ok(None)),
        ("X", {"values": {"M": "Male"}, "otherwise": "keep"}, ok("X")),
        ("", {"values": {"M": "Male"}}, ok(None)),
        ("", {"values": {"M": "Male", "": "Unknown"}}, ok("Unknown")),
        (None, {"values": {"M": "Male"}}, ok(None)),
        ("it's", {"values": {"it's": "that's"}}, ok("that's")),
    ],
)
def test_options_are_those_that_are_named(
    db: duckdb.DuckDBPyConnection, value: Any, more: dict[str, Any], expected: Any
) -> None:
    assert encode_value(db, value, "enumeration", **more) == expected


def test_a_list_of_the_source_becomes_several_options(db: duckdb.DuckDBPyConnection) -> None:
    result = encode_value(
        db, ["tin", "gold"], "enumeration", source="VARCHAR[]", options=("gold", "tin"), multiple=True
    )
    assert result == ok("gold;tin")


@pytest.mark.parametrize(
    ("value", "source", "more", "expected"),
    [
        ("  as it is \U0001f600 ", "VARCHAR", {}, ok("  as it is \U0001f600 ")),
        ("\u00a0 \r\n", "VARCHAR", {}, ok(None)),
        ("abc", "VARCHAR", {"max_length": 3}, ok("abc")),
        ("\U0001f600" * 3, "VARCHAR", {"max_length": 3}, ok("\U0001f600" * 3)),
        ("abcd", "VARCHAR", {"max_length": 3}, ("abcd", "p:too-long")),
        ("a\x00b", "VARCHAR", {}, ("a\x00b", "p:nul-character")),
        (" Ada@Clinic.Example ", "VARCHAR", {"lowercase": True}, ok("ada@clinic.example")),
        ("01234", "VARCHAR", {}, ok("01234")),
        (7, "INTEGER", {}, ok("7")),
        (True, "BOOLEAN", {}, ok("true")),
        (date(2026, 1, 2), "DATE", {}, ok("2026-01-02")),
        ("12:30:00", "TIME", {}, ok("12:30:00")),
        ("8c5e7fa0-0000-4000-8000-000000000001", "UUID", {}, ok("8c5e7fa0-0000-4000-8000-000000000001")),
        (Decimal("1.50"), "DECIMAL(9, 2)", {}, ok("1.50")),
    ],
)
def test_texts_travel_as_they_are(
    db: duckdb.DuckDBPyConnection, value: Any, source: str, more: dict[str, Any], expected: Any
) -> None:
    assert encode_value(db, value, "string", source=source, **more) == expected


# ---------------------------------------------------------------- against a second opinion


@many
@given(
    number=st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20)
    | st.integers(-(10**30), 10**30).map(Decimal),
    frame=st.sampled_from(["{}", " {} ", "{}0", "+{}"]),
)
def test_any_decimal_has_one_spelling(db: duckdb.DuckDBPyConnection, number: Decimal, frame: str) -> None:
    plain = f"{number:f}"
    if frame == "{}0" and "." not in plain:
        plain += "."
    given_text = frame.format(plain) if not (frame == "+{}" and plain.startswith("-")) else plain
    text, wrong = encode_value(db, given_text, "number")
    assert wrong is None
    assert text is not None
    assert Decimal(text) == number
    assert re.fullmatch(r"0|-?[1-9]\d*|-?(0|[1-9]\d*)\.\d*[1-9]", text)


@many
@given(number=st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_a_float_of_usual_size_is_written_to_fifteen_places(db: duckdb.DuckDBPyConnection, number: float) -> None:
    text, wrong = encode_value(db, number, "number", source="DOUBLE")
    assert wrong is None
    assert abs(Decimal(str(text)) - Decimal(number)) <= max(
        Decimal(10) ** -15, abs(Decimal(number)) * Decimal(2) ** -52
    )


LOCAL = st.datetimes(local("1900-01-01"), local("2199-12-31")).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
ZONES = st.sampled_from([NEW_YORK, "UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland", "America/Phoenix"])


def in_utc(shown: datetime, zone: str) -> datetime | None:
    """What a clock in `zone` that shows `shown` means; None where that hour is missing or there twice."""
    first, second = (shown.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
    return first if first == second else None


@many
@given(shown=LOCAL, zone=ZONES, typed=st.booleans())
def test_a_local_time_is_the_moment_that_the_zone_database_says(
    db: duckdb.DuckDBPyConnection, shown: datetime, zone: str, *, typed: bool
) -> None:
    expected = in_utc(shown, zone)
    if expected is None:
        return
    source, value = ("TIMESTAMP", shown) if typed else ("VARCHAR", shown.isoformat(" "))
    found, wrong = encode_value(db, value, "datetime", source=source, zone=zone)
    assert wrong is None
    assert found == f"{expected:%Y-%m-%dT%H:%M:%S}.{expected.microsecond // 1000:03d}Z"


@many
@given(
    raw=st.text(max_size=12)
    | st.from_regex(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?", fullmatch=True)
)
@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("number", r"-?(0|[1-9]\d*)(\.\d+)?"),
        ("date", r"\d{4}-\d{2}-\d{2}"),
        ("datetime", r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z"),
        ("bool", r"true|false"),
    ],
)
def test_whatever_the_source_says_the_portal_gets_what_its_type_demands_or_nothing(
    db: duckdb.DuckDBPyConnection, raw: str, kind: str, shape: str
) -> None:
    found, wrong = encode_value(db, raw.replace("\x00", ""), kind)
    if found is not None:
        assert re.fullmatch(shape, found)
        assert wrong is None
        assert read(db, kind, found) == found
    elif raw.strip().replace("\x00", ""):
        assert wrong is not None or not raw.strip(" \t\n\r\u00a0\x00")


# ---------------------------------------------------------------- what comes back


def read(db: duckdb.DuckDBPyConnection, kind: str, answer: str | None, *, multiple: bool = False) -> Any:
    statement = f"select {canonical(kind, 'a', multiple=multiple)} from (select ?::varchar as a)"  # type: ignore[arg-type]
    return db.execute(statement, [answer]).fetchall()[0][0]


@pytest.mark.parametrize(
    ("kind", "echo", "same_as"),
    [
        ("datetime", "2026-01-01T05:00:00Z", "2026-01-01T05:00:00.000Z"),
        ("datetime", "1767243600000", "2026-01-01T05:00:00.000Z"),
        ("datetime", "2026-01-01T05:00:00.5Z", "2026-01-01T05:00:00.500Z"),
        ("date", "1767225600000", "2026-01-01"),
        ("date", "-1067817600000", "1936-03-01"),
        ("date", "2026-01-01T00:00:00Z", "2026-01-01"),
        ("number", "5.0", "5"),
        ("number", "5E+3", "5000"),
        ("bool", "TRUE", "true"),
        ("string", " as it is ", " as it is "),
        ("number", "not a number", "not a number"),
        ("date", "soon", "soon"),
        ("datetime", "soon", "soon"),
        ("date", None, None),
        ("number", None, None),
    ],
)
def test_an_echo_reads_as_what_was_sent(
    db: duckdb.DuckDBPyConnection, kind: str, echo: str | None, same_as: str | None
) -> None:
    assert read(db, kind, echo) == same_as


def test_options_compare_whatever_their_order(db: duckdb.DuckDBPyConnection) -> None:
    assert read(db, "enumeration", "tin;gold", multiple=True) == "gold;tin"
    assert read(db, "enumeration", "tin;gold") == "tin;gold"


def test_names_and_texts_cannot_leave_their_quotes(db: duckdb.DuckDBPyConnection) -> None:
    odd = "a\"'; drop table source; --"
    assert db.execute(f"select {text(odd)}").fetchall() == [(odd,)]
    assert db.execute(f"select 1 as {name(odd)}").description[0][0] == odd


def test_the_workbench_leaves_nothing_behind_and_reaches_nothing(tmp_path: Path) -> None:
    with open_workspace(tmp_path / "work") as workspace:
        workspace.execute("create table t as select 1")
    assert list((tmp_path / "work").iterdir()) == []


# ---------------------------------------------------------------- another system's text form

FORM = TextForm(list_separator="|", moment="%Y-%m-%dT%H:%M:%S", true="1", false="0", clear="-")


@pytest.mark.parametrize(
    ("value", "kind", "source", "expected"),
    [
        (["b", "a"], "enumeration", "VARCHAR[]", "a|b"),
        (["b", "a"], "string", "VARCHAR[]", "b|a"),
        ("yes", "bool", "VARCHAR", "1"),
        ("2026-03-01T12:00:00-05:00", "datetime", "VARCHAR", "2026-03-01T17:00:00"),
    ],
)
def test_values_travel_in_the_form_of_their_destination_and_compare_in_it(
    db: duckdb.DuckDBPyConnection, value: Any, kind: str, source: str, expected: str
) -> None:
    multiple = kind == "enumeration"
    options = ("a", "b") if multiple else ()
    written = encode_value(db, value, kind, source=source, form=FORM, multiple=multiple, options=options)
    assert written == ok(expected)
    statement = f"select {canonical(kind, 'a', multiple=multiple, form=FORM)} from (select ?::varchar as a)"  # type: ignore[arg-type]
    assert db.execute(statement, [expected]).fetchall()[0][0] == expected
