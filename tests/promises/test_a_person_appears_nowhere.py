"""A planted patient goes every way, good and bad, and is named nowhere: no log, message, mail, URL, argument or stray file."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from promises.watched import Careloom, Said, WatchedPortal, watched_portal
from services.sync_project import BORN, COLUMNS, PEOPLE, PROJECT, Clinic

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("zzyzx")]

MARKS = ("zzyzx", "5550187", "555-0187", "555 0187", "1911-11-11", "11/11/1911")
"""The planted patient's name is in every text of hers; her phone and her birth date have no room for it."""

FIELDS = """\
  address: {from: Street}
  city: {from: City}
  chart: {from: Chart, type: string, label: Chart, role: none, phi: clinical}
"""
MORE_COLUMNS = (*COLUMNS, "Street", "City", "Chart")
ALERTS = 'alerts:\n  mail: {{to: [ops@clinic.example], from: loom@clinic.example, smtp: "smtp://127.0.0.1:SMTP"}}\n'

MAY_HOLD_PEOPLE = {("agreed", "values"), ("mirror", "values"), ("held", "message")}
"""The columns of the store that are there to hold what people's records say."""


def zzyzx(key: str, **more: str) -> dict[str, str]:
    return {
        "ID": key,
        "First": f"Zzyzx{key}",
        "Last": f"Of-Zzyzx-{key}",
        "Email": f"zzyzx.{key}@zzyzx.example".lower(),
        "Phone": "978-555-0187",
        "Born": "1911-11-11",
        "Visits": "3",
        "Note": "Zzyzx was here",
        "Street": "1 Zzyzx Road",
        "City": "Zzyzx",
        "Chart": "Zzyzx F33.2",
        **more,
    }


PEOPLE_AT_FIRST = [
    zzyzx("K1"),
    zzyzx("K2", Email="zzyzx is no mail"),
    zzyzx("K3"),
    zzyzx("K4", Born="Zzyzx in spring"),
    zzyzx("K5", Visits="zzyzx times"),
    zzyzx("K6", Email="zzyzx.k1@zzyzx.example"),
    zzyzx("K7"),
    zzyzx("K7", Note="Zzyzx twice"),
    zzyzx("K8"),
]


def told(text: str) -> bool:
    return any(mark in text.lower() for mark in MARKS)


class Post:
    """A mail server's door; keeps what comes as it came."""

    def __init__(self) -> None:
        self.mails: list[str] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 the library's
        self.mails.append(f"{envelope.mail_from} {envelope.rcpt_tos}\n{(envelope.content or b'').decode()}")
        return "250 OK"


def free_port() -> int:
    """aiosmtpd cannot say which port it took, so one is found for it."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass(kw_only=True)
class World:
    clinic: Clinic
    careloom: Careloom
    portal: WatchedPortal
    post: Post
    database: str
    stray: dict[str, str]

    def do(self, *words: str, code: int | None = None) -> Said:
        """One command; what it leaves in the project's hidden folder is read at once."""
        said = self.careloom(*words, code=code)
        hidden = self.clinic.folder / ".careloom"
        for path in (one for one in hidden.rglob("*") if one.is_file() and "data" not in one.relative_to(hidden).parts):
            self.stray[f"{path} after {said.name}"] = path.name + path.read_bytes().decode("latin-1")
        return said

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database, options="-c search_path=careloom", autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def own_database(server_url: str, template: str) -> Iterator[str]:
    name = f"zz_{uuid.uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server_url.replace(":///careloom?", f":///{name}?")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def world(own_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The clinic after everything has happened to its patients that can."""
    folder = tmp_path_factory.mktemp("clinic")
    post = Post()
    port = free_port()
    smtp = Controller(post, hostname="127.0.0.1", port=port)
    smtp.start()
    try:
        with watched_portal(tmp_path_factory.mktemp("portal")) as portal:
            clinic = Clinic(folder, own_database, portal)
            people = PEOPLE.replace("key: clinic_id}", "key: clinic_id, admits: clinical}") + FIELDS
            clinic.write(people, PROJECT + ALERTS.replace("SMTP", str(port)))
            environment = {
                "CARELOOM_DATABASE_URL": own_database,
                "CARELOOM_LOG_LEVEL": "debug",
                "CARELOOM_ACTOR": "pat",
                "HUBSPOT_TOKEN": "pat-test",
            }
            careloom = Careloom(folder=folder, environment=environment)
            ready = World(clinic=clinic, careloom=careloom, portal=portal, post=post, database=own_database, stray={})
            live(ready)
            yield ready
    finally:
        smtp.stop()


def live(world: World) -> None:
    """Good days and bad ones."""
    begin(world)
    disagree(world)
    lose_the_portal(world)
    lose_the_database(world)
    break_the_source(world)
    look_at_everything(world)


def begin(world: World) -> None:
    """Created, refused by the portal with its own words, doubtful, unreadable, twice there, with a mail that is taken."""
    settings = {"search_lag": 0, "latency_ms": 0}
    world.portal.control("POST", "settings", settings)
    world.clinic.define(BORN)
    world.clinic.seed({"firstname": "ZzyzxK3", "lastname": "Of-Zzyzx-K3", "email": "zzyzx.k3@zzyzx.example"})
    world.clinic.rows(PEOPLE_AT_FIRST, columns=MORE_COLUMNS)
    world.do("check", code=0)
    world.do("doctor")
    world.do("plan", code=0)
    world.do("plan", "--json", code=0)
    world.do("apply", code=4)
    held = dict(world.sql("select key, code from held where key <> ''"))
    assert held.keys() >= {"K2", "K3", "K4", "K5"}, held
    assert world.sql("select 1 from link where key = 'K1'")


def change(world: World, visits: int) -> None:
    """Another day at the source: K8 came again, and of K1 it says something else than at first."""
    changed = {"K1": {"Note": "Zzyzx stays"}, "K8": {"Visits": str(visits), "Note": f"Zzyzx came {visits} times"}}
    rows = [row | changed.get(row["ID"], {}) for row in PEOPLE_AT_FIRST]
    world.clinic.rows(rows, columns=MORE_COLUMNS)


def disagree(world: World) -> None:
    """Both sides change one value."""
    record = world.clinic.record("K1")
    world.clinic.staff("edit", id=record["hs_object_id"], properties={"note": "Zzyzx moved"})
    change(world, visits=4)
    world.do("run", code=4)
    assert world.sql("select 1 from held where key = 'K1' and kind = 'conflict'")


def lose_the_portal(world: World) -> None:
    """It is away, it cuts an answer off, it takes the token back; each time it says whom it was about."""
    body = {"status": "error", "message": "Zzyzx of 1 Zzyzx Road cannot be served", "category": "VALIDATION_ERROR"}
    for number, fault, code in (
        (5, {"kind": "status", "status": 503, "retry_after": "120", "match": "batch/update", "body": body}, 6),
        (6, {"kind": "status", "status": 401, "match": "batch/update", "body": body}, 5),
        (7, {"kind": "status", "status": 400, "match": "batch/update", "times": 1, "body": body}, 4),
        (8, {"kind": "cut_after_write", "match": "batch/update", "times": 1}, 4),
    ):
        change(world, visits=number)
        world.clinic.faults(fault)
        world.do("run", code=code)
    world.clinic.faults()


def lose_the_database(world: World) -> None:
    """It refuses a row, and quotes it."""
    world.sql("alter table agreed add constraint too_much check (values ->> 'visits' is distinct from '11')")
    change(world, visits=11)
    said = world.do("run", code=1)
    assert "CheckViolation" in said.err
    world.sql("alter table agreed drop constraint too_much")


def break_the_source(world: World) -> None:
    file = world.clinic.folder / "data" / "People.csv"
    whole = file.read_text()
    file.write_text(whole + 'K9,"Zzyzx","Zzyzx\nK10,Zzyzx\n')
    world.do("run", code=3)
    file.write_text(whole)


def look_at_everything(world: World) -> None:
    for key in ("K1", "K2", "K3", "K6"):
        world.do("explain", key, code=0)
    for words in (("held", "--list"), ("review",), ("runs",), ("explain", "K1")):
        world.do(*words, code=0)
        world.do(*words, "--json", code=0)
    world.do("retry", code=0)
    world.do("review", "people", "K1", "--keep", "source", "--why", "the clinic knows", code=0)
    world.do("run", "--json", code=4)
    world.do("run", "--full", code=4)


# ---------------------------------------------------------------- where nobody may be found


def test_in_nothing_that_a_command_prints_or_logs(world: World) -> None:
    said = [one for one in world.careloom.said if "--reveal" not in one.words]
    assert [(one.name, _lines(one.text)) for one in said if told(one.text)] == []
    assert any('"event":"call.answered"' in one.err for one in said), "the logs were not at debug"
    assert not any("Traceback" in one.text for one in said)


def test_in_no_argument_of_a_process(world: World) -> None:
    assert all("careloom" in one.arguments for one in world.careloom.said)
    assert [one.name for one in world.careloom.said if told(one.arguments)] == []


def test_in_no_mail(world: World) -> None:
    assert len(world.post.mails) == 4
    assert all("failed" in mail for mail in world.post.mails)
    assert [_lines(mail) for mail in world.post.mails if told(mail)] == []


def test_in_no_address_or_header_of_a_request(world: World) -> None:
    seen = world.portal.recorder.seen
    assert any(request.startswith("POST ") for request in seen)
    assert [request for request in seen if told(request)] == []


def test_in_nothing_that_the_simulator_prints(world: World) -> None:
    assert not told(world.portal.output.read_text())


def test_in_no_log_of_the_database(world: World, server_folder: Path) -> None:
    log = (server_folder / "postgres" / "data" / "server.log").read_text(errors="replace")
    assert log
    assert _lines(log) == []


def test_in_no_file_that_is_left_in_the_project(world: World) -> None:
    assert [where for where, content in world.stray.items() if told(content)] == []


def test_in_the_store_only_where_records_are_kept(world: World) -> None:
    columns = world.sql(
        "select table_name, column_name from information_schema.columns where table_schema = 'careloom'"
    )
    holding = {
        (table, column)
        for table, column in columns
        if any(told(str(value)) for (value,) in world.sql(f'select "{column}"::text from "{table}"'))
    }
    assert holding <= MAY_HOLD_PEOPLE
    assert holding, "nobody was planted"


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if told(line)]


# ---------------------------------------------------------------- unless somebody asks


@pytest.mark.parametrize(
    ("words", "action"),
    [
        (("plan",), "plan --reveal"),
        (("held", "--list"), "held --reveal"),
        (("review", "people"), "review --reveal"),
        (("explain", "K1"), "explain --reveal"),
    ],
)
def test_whoever_says_reveal_sees_the_person_and_the_audit_says_who_looked(
    world: World, words: tuple[str, ...], action: str
) -> None:
    change(world, visits=21)
    before = world.sql("select count(*) from audit")[0][0]
    said = world.careloom(*words, "--reveal", code=0)
    assert told(said.out)
    assert not told(said.err)
    newest = world.sql("select split_part(actor, ' ', 1), action, subject from audit order by seq desc limit 1")[0]
    assert world.sql("select count(*) from audit")[0][0] == int(str(before)) + 1
    assert newest[:2] == ("pat", action)
    assert not told(str(newest))
