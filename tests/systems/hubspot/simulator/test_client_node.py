"""HubSpot's own client for Node.js finds in the simulated portal what it expects of the real one.

Its script is node/drive.js. The client is installed into a temporary folder by the lock beside it; where Node.js, npm or
the registry is not to be had, these tests are skipped.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from careloom.systems.hubspot.simulator import RunningSimulator
from systems.hubspot.simulator.api import Api

SCRIPT = Path(__file__).parent / "node"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script and the client that it needs."""
    npm, place = shutil.which("npm"), tmp_path_factory.mktemp("node")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node.js and npm are not installed")
    for name in ("package.json", "package-lock.json", "drive.js"):
        shutil.copy(SCRIPT / name, place)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1"]
    try:
        subprocess.run(command, cwd=place, capture_output=True, timeout=180, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip("npm could not install @hubspot/api-client: no registry within reach")
    return place


@pytest.fixture(scope="module")
def client_answers(folder: Path) -> Iterator[Any]:
    """What the client understood of the portal's answers."""
    with RunningSimulator("--tier", "enterprise") as simulator:
        Api(simulator)
        command = ["node", "drive.js", simulator.url]
        process = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        assert process.returncode == 0, process.stderr
        yield json.loads(process.stdout)


def test_the_node_client_writes_and_reads_one_record(client_answers: Any) -> None:
    assert client_answers["one"] == {"same": True, "city": "Here", "zip": None, "date": True}
    assert (client_answers["all"], client_answers["left"]) == (4, 1)


def test_the_node_client_sends_batches_and_reads_which_part_failed(client_answers: Any) -> None:
    assert client_answers["batch"] == {"made": 3, "changed": "COMPLETE", "upserts": [True, False]}
    kind = "BatchResponseSimplePublicObjectWithErrors"
    assert client_answers["part"] == {"kind": kind, "errors": 1, "context": {"ids": ["99"]}, "left": 3}


def test_the_node_client_searches_in_pages(client_answers: Any) -> None:
    assert client_answers["search"] == {"total": 3, "pages": [2, 1]}


@pytest.mark.parametrize(
    ("name", "code", "category"),
    [
        ("conflict", 409, "CONFLICT"),
        ("invalid", 400, "VALIDATION_ERROR"),
        ("gone", 404, "OBJECT_NOT_FOUND"),
        ("timeless", 400, "VALIDATION_ERROR"),
        ("duplicate", 400, "VALIDATION_ERROR"),
        ("unlisted", 404, "OBJECT_NOT_FOUND"),
        ("late", 400, "VALIDATION_ERROR"),
    ],
)
def test_the_node_client_reads_a_refusal_by_its_own_exception(
    client_answers: Any, name: str, code: int, category: str
) -> None:
    refusal = client_answers[name]
    assert (refusal["kind"], refusal["code"], refusal["category"]) == ("ApiException", code, category)
    assert refusal["status"] == "error"
    headers = refusal["headers"]
    assert headers["x-hubspot-correlation-id"] == refusal["correlationId"]
    assert int(headers["x-hubspot-ratelimit-remaining"]) < int(headers["x-hubspot-ratelimit-max"]) == 190


def test_the_node_client_knows_activities_line_items_and_their_ties(client_answers: Any) -> None:
    note = client_answers["note"]
    assert (note["hs_note_body"], note["hubspot_owner_id"], client_answers["item"]) == ("N", None, "Visit")
    assert client_answers["tied"] == {"to": True, "type": 201, "batch": 1}


def test_the_node_client_reads_definitions(client_answers: Any) -> None:
    assert (client_answers["property"], client_answers["fields"], client_answers["pipeline"]) == (True, True, 5)
    assert set(client_answers["owners"]) == {"PERSON"}


def test_the_node_client_keeps_lists(client_answers: Any) -> None:
    values = {"added": 1, "missing": ["99"], "members": 1, "joined": True, "size": 1, "of": 1, "found": 1}
    assert client_answers["list"] == values


def test_the_node_client_imports_a_file(client_answers: Any) -> None:
    done = client_answers["imported"]
    assert (done["begun"], done["state"], client_answers["imports"]) == ("STARTED", "DONE", 1)
    assert done["counters"]["TOTAL_ROWS"] == 2
    assert done["errors"] == ["INVALID_EMAIL"]
