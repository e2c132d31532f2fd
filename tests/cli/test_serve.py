"""`careloom serve` as a process: it answers, it ends when it is asked to, and simulated it shows the whole way."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from careloom.services.operate.blueprints import copy_blueprint
from hang import HANG

START = "import sys; from careloom.cli.main import main; main(sys.argv[1:])"
SECRETS = {
    "DRCHRONO_CLIENT_ID": "invented",
    "DRCHRONO_CLIENT_SECRET": "invented",
    "DRCHRONO_WEBHOOK_SECRET": "invented-secret",
    "DEEPCURA_SHARED_SECRET": "another-invented-secret",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    copy_blueprint("drchrono-clinical", tmp_path / "project")
    return tmp_path / "project"


@contextmanager
def serving(project: Path, database: str, *words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    environment = {**os.environ, **SECRETS, "CARELOOM_DATABASE_URL": database}
    command = [sys.executable, "-c", START, "serve", "-p", str(project), "--port", "0", *words]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            said = ""
            for line in process.stderr or ():
                said += line
                if line.startswith("serving on "):
                    break
            else:
                pytest.fail(said)
            yield process, int(line.partition(";")[0].rpartition(":")[2])
        finally:
            process.kill()


def ask(port: int, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG)
    connection.request(method, path, body, headers or {})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_answered_is_kept_and_the_process_ends_when_it_is_asked_to(
    project: Path, database: str, number: signal.Signals
) -> None:
    with serving(project, database, "--work") as (process, port):
        headers = {"X-drchrono-signature": "invented-secret", "X-drchrono-event": "PATIENT_MODIFY"}
        assert ask(port, "POST", "/webhooks/drchrono", headers, b'{"object": {}}') == 200
        assert ask(port, "POST", "/webhooks/drchrono", {**headers, "X-drchrono-signature": "x"}, b"{}") == 401
        assert ask(port, "GET", "/health") == 200
        process.send_signal(number)
        assert process.wait(HANG) == 0
        assert "Traceback" not in (process.stderr.read() if process.stderr else "")
    with psycopg.connect(database) as connection:
        assert connection.execute("select count(*) from careloom.inbox").fetchone() == (1,)


def test_a_port_that_is_taken_is_told(project: Path, database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-c", START, "serve", "-p", str(project), "--port", port],
            env={**os.environ, **SECRETS, "CARELOOM_DATABASE_URL": database},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr


SHOWN = """
select (select count(*) from clinical.patients where phone like '(555) 010-%') > 0
   and (select count(*) from clinical.deepcura_notes where clinical_note_id is not null) > 1
   and (select count(*) from careloom.outbox) = 0
   and (select count(*) from careloom.inbox where source = 'drchrono' and state = 'done') > 2
"""


@pytest.mark.slow
def test_a_simulated_clinic_shows_events_that_arrive_and_land_and_link_and_are_told(
    project: Path, database: str
) -> None:
    with serving(project, database, "--sim") as (process, port):
        until = time.monotonic() + HANG
        with psycopg.connect(database, autocommit=True) as connection:
            shown = False
            while not shown and time.monotonic() < until:
                time.sleep(0.5)
                shown = connection.execute(SHOWN).fetchone() == (True,)
        assert shown
        assert ask(port, "GET", "/ready") == 200
        process.terminate()
        assert process.wait(HANG) == 0
