"""What the client does about refusals, outages, and answers that are none."""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError

from careloom.core.errors import Fix, Hold, NotPermitted, RemoteUnavailable
from careloom.core.reports import ReportAsk
from careloom.core.rooms import SimulatorOptions
from careloom.systems.collaboratemd.client import Client
from careloom.systems.collaboratemd.options import Options
from careloom.systems.collaboratemd.report_source import CollaborateMDReports
from careloom.systems.collaboratemd.room import ROOM
from careloom.systems.collaboratemd.simulator import RunningCollaborateMD
from careloom.systems.collaboratemd.simulator.process import app_of
from careloom.vendor_kit.retry import RetryPolicy
from systems.collaboratemd.fake_billing import CALM, FIRST, HERE, fetched, options_of, source_of, wanted


@contextmanager
def answering(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Iterator[tuple[str, list]]:
    """The address of a server that says this to everything, and what it was asked."""
    heard: list = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            heard.append((self.path, dict(self.headers)))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def source_at(url: str, **values: object) -> CollaborateMDReports:
    options = options_of(url, **values)
    return CollaborateMDReports(options, HERE, client=Client(options, HERE, policy=CALM, pause=lambda _: None))


@pytest.mark.parametrize("wrong", [{"password": "wrong-one"}, {"username": "somebody"}])
def test_wrong_credentials_say_what_to_check_and_are_not_repeated(
    simulator: RunningCollaborateMD, wrong: dict[str, str]
) -> None:
    with pytest.raises(NotPermitted, match="check the system's username and password") as refused:
        source_of(simulator, **wrong).ask(wanted("ar_aging"))
    assert not any(value in str(refused.value) for value in wrong.values())
    assert simulator.control("calls") == {"401": 1}


def test_the_password_is_taken_from_its_secret_and_sent_as_latin_1() -> None:
    secrets = {"secret:name": "empfänger", "secret:word": "pässword:x"}
    context = type(HERE)(folder=HERE.folder, timezone=HERE.timezone, secret=secrets.__getitem__)
    with answering(b'{"Status":"SUCCESS","Identifier":5}') as (url, heard):
        options = Options(base_url=url, username="secret:name", password="secret:word", format="xml")
        assert CollaborateMDReports(options, context).ask(wanted("ar_aging")).identifier == "5"
    path, headers = heard[0]
    assert path == f"/v1/customer/{FIRST}/reports/10078378/filter/10141925/run"
    assert headers["Authorization"] == "Basic ZW1wZuRuZ2VyOnDkc3N3b3JkOng="
    assert (headers["Accept"], headers["Content-Length"]) == ("application/xml", "0")


@pytest.mark.parametrize(("username", "password"), [("a:b", "x"), ("a", "x\N{SNOWMAN}")])
def test_credentials_that_basic_cannot_carry_are_refused_unshown(username: str, password: str) -> None:
    with pytest.raises(Fix, match="check") as refused:
        Client(options_of("http://127.0.0.1:1", username=username, password=password), HERE)
    assert username not in str(refused.value).split()
    assert password not in str(refused.value)


def test_outages_are_tried_again_with_growing_waits_and_then_left_for_later(simulator: RunningCollaborateMD) -> None:
    options = options_of(simulator.url)
    waits: list[float] = []
    client = Client(options, HERE, policy=RetryPolicy(attempts=4, first_wait=8, longest_backoff=20), pause=waits.append)
    source = CollaborateMDReports(options, HERE, client=client)
    simulator.control("fail", statuses=[503, 0, 500])
    assert source.ask(wanted("ar_aging")).identifier
    assert len(waits) == 3
    assert all(0 <= wait <= ceiling for wait, ceiling in zip(waits, (8, 16, 20), strict=True))
    simulator.control("fail", statuses=[500, 502, 0, 200])
    with pytest.raises(RemoteUnavailable) as later:
        source.ask(wanted("ar_aging"))
    assert later.value.after
    assert simulator.control("calls") == {"run": 1}


def test_a_page_of_a_gateway_is_an_outage(simulator: RunningCollaborateMD, tmp_path: Path) -> None:
    simulator.control("fail", statuses=[200])
    assert fetched(source_of(simulator), "ar_aging", tmp_path).state == "ready"
    simulator.control("fail", statuses=[200, 200, 200])
    with pytest.raises(RemoteUnavailable):
        source_of(simulator).ask(wanted("ar_aging"))


@pytest.mark.parametrize("form", ["xml", "json"])
def test_an_answer_that_breaks_off_is_never_taken_for_whole(
    simulator: RunningCollaborateMD, tmp_path: Path, form: str
) -> None:
    simulator.control("fault", kind="cut-answer")
    with pytest.raises(RemoteUnavailable):
        fetched(source_of(simulator, format=form), "ar_aging", tmp_path)
    assert simulator.control("calls")["results"] == CALM.attempts
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [
        (403, NotPermitted, "username and password"),
        (404, Fix, "check the account, the report's and the filter's number"),
        (415, Fix, "format"),
        (429, RemoteUnavailable, "fewer calls"),
        (302, Fix, "the system's base_url"),
    ],
)
def test_other_refusals_are_told_once(status: int, kind: type[Exception], word: str) -> None:
    with answering(b"", status, {"Location": "/elsewhere"}) as (url, heard), pytest.raises(kind, match=word):
        source_at(url).ask(wanted("ar_aging"))
    assert len(heard) == 1


def test_an_answer_larger_than_admitted_is_held(tmp_path: Path) -> None:
    body = b'{"Status":"SUCCESS","Data":"' + b"QUJD" * 600_000 + b'"}'
    with answering(body) as (url, _), pytest.raises(Hold) as held:
        source_at(url, limits={"downloaded_mb": 2}).fetch(FIRST, "7", tmp_path)
    assert held.value.code == "answer-too-large"
    assert not list(tmp_path.iterdir())


def test_the_archive_on_its_way_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with answering(b'{"Status":"SUCCESS","Data":"QUJD"}') as (url, _):
            client = Client(options_of(url), HERE)
            client.post("/v1/reports/results/1", data=tmp_path / "made.zip")
    finally:
        os.umask(before)
    assert (tmp_path / "made.zip").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "made.zip").read_bytes() == b"ABC"


def test_a_link_that_waits_in_the_folder_is_not_written_through(
    simulator: RunningCollaborateMD, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.write_text("mine")
    (tmp_path / "made").mkdir()
    for name in ("1.csv", "report.zip"):
        (tmp_path / "made" / name).symlink_to(kept)
    assert fetched(source_of(simulator), "ar_aging", tmp_path / "made").state == "ready"
    assert kept.read_text() == "mine"


@pytest.mark.parametrize("bad", ["../1", "1/2", "", "1?x=2", "²", "abc"])
def test_only_numbers_stand_in_paths(simulator: RunningCollaborateMD, tmp_path: Path, bad: str) -> None:
    source = source_of(simulator)
    for refused in (
        lambda: source.ask(ReportAsk(account=bad, report="1", filter="1")),
        lambda: source.ask(ReportAsk(account="1", report=bad, filter="1")),
        lambda: source.fetch(FIRST, bad, tmp_path),
    ):
        with pytest.raises(Fix, match="is a number"):
            refused()
    assert simulator.control("calls") == {}


def test_the_room_opens_from_its_options(simulator: RunningCollaborateMD) -> None:
    assert ROOM.reports is not None
    assert ROOM.report_policy is not None
    options = ROOM.options.model_validate(
        {"base_url": simulator.url, "username": "sim-user", "password": "sim-password"}
    )
    assert ROOM.reports(options, HERE).ask(wanted("ar_aging")).identifier
    assert ROOM.report_policy(options).asks == 3
    with pytest.raises(ValidationError):
        ROOM.options.model_validate({"username": "a", "password": "b", "pasword": "c"})


def test_the_simulator_refuses_what_it_does_not_have() -> None:
    for options in (
        SimulatorOptions(tier="gold"),
        SimulatorOptions(records=Path("x")),
        SimulatorOptions(secrets={"token": "x"}),
    ):
        with pytest.raises(Fix):
            app_of(options)
    app = app_of(SimulatorOptions(secrets={"password": "x"}))
    assert app.control.answer("GET", "settings", b"")[1]["username"] == ""
