"""Doctor tries all that the project names: each secret, system, stream, account, the models and the database's role."""

from __future__ import annotations

import shutil
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from careloom.core.ports import Finding
from careloom.services.operate.doctor import check_up
from careloom.services.operate.simulate import Simulation, connect_all
from careloom.services.session.sessions import open_session
from careloom.services.session.settings import Settings, read_settings
from careloom.systems.collaboratemd.simulator import RunningCollaborateMD
from careloom.systems.drchrono.simulator import RunningDrChrono

BLUEPRINTS = Path(__file__).parents[3] / "blueprints"


def project(name: str, folder: Path, **addresses: str) -> Path:
    """A blueprint as a project whose systems of a kind are at an address."""
    shutil.copytree(BLUEPRINTS / name, folder, ignore=shutil.ignore_patterns("models", "charts"))
    yaml = folder / "careloom.yaml"
    for kind, url in addresses.items():
        yaml.write_text(yaml.read_text().replace(f"kind: {kind}\n", f"kind: {kind}\n    base_url: {url}\n"))
    return folder


def faults(findings: list[Finding]) -> dict[str, str]:
    pairs = [(finding.what, finding.detail) for finding in findings if finding.level == "fault"]
    assert len({detail for _, detail in pairs}) == len(pairs), "each cause is told once"
    return dict(pairs)


def test_every_secret_that_is_missing_is_named_once_with_who_needs_it(database: str, tmp_path: Path) -> None:
    folder = project("drchrono-clinical", tmp_path / "clinic")
    found_faults = faults(list(check_up(folder, read_settings({"CARELOOM_DATABASE_URL": database}))))
    assert found_faults.keys() == {
        "drchrono.client_id",
        "drchrono.client_secret",
        "drchrono.webhook_secret",
        "deepcura.secret",
        "seal key",
    }
    assert "set DRCHRONO_CLIENT_ID" in found_faults["drchrono.client_id"]
    billing = project("collaboratemd-reports", tmp_path / "billing")
    found_faults = faults(list(check_up(billing, read_settings({"CARELOOM_DATABASE_URL": database}))))
    assert found_faults.keys() == {"billing.username", "billing.password"}


@pytest.fixture
def practice() -> Iterator[RunningDrChrono]:
    with RunningDrChrono("--tier", "unlimited") as running:
        yield running


def clinical(practice: RunningDrChrono, database: str, folder: Path) -> tuple[Path, Simulation]:
    environment = {
        "CARELOOM_DATABASE_URL": database,
        "CARELOOM_SEAL_KEY": b64encode(bytes(range(32))).decode(),
        "DRCHRONO_CLIENT_ID": "sim-client",
        "DRCHRONO_CLIENT_SECRET": "sim-client-secret",
        "DRCHRONO_WEBHOOK_SECRET": "sim-webhook-secret",
        "DEEPCURA_SHARED_SECRET": "sim-shared",
    }
    simulation = Simulation(settings=read_settings(environment), addresses={"drchrono": practice.url}, secrets={})
    return project("drchrono-clinical", folder, drchrono=practice.url), simulation


def test_a_practice_that_is_connected_has_no_fault_and_one_that_is_not_says_so(
    practice: RunningDrChrono, database: str, tmp_path: Path
) -> None:
    folder, simulation = clinical(practice, database, tmp_path / "clinic")
    assert faults(list(check_up(folder, simulation.settings))).keys() == {"drchrono"}
    connect(folder, simulation)
    findings = list(check_up(folder, simulation.settings))
    assert faults(findings) == {}
    ok = {finding.what for finding in findings if finding.level == "ok"}
    assert {"drchrono: stream patients", "drchrono: webhooks", "deepcura: Gridhooks", "bus: NOTIFY", "seal key"} <= ok
    assert {"database role", "stream patients", "stream deepcura_notes"} <= ok


def test_a_stream_that_the_account_may_not_read_is_the_only_fault(
    practice: RunningDrChrono, database: str, tmp_path: Path
) -> None:
    folder, simulation = clinical(practice, database, tmp_path / "clinic")
    connect(folder, simulation)
    practice.control("fail", statuses=[403])
    found_faults = faults(list(check_up(folder, simulation.settings)))
    assert len(found_faults) == 1
    ((subject, detail),) = found_faults.items()
    assert subject.startswith("drchrono: stream ")
    assert "may not GET" in detail


def connect(folder: Path, simulation: Simulation) -> None:
    with open_session(folder, simulation.settings) as session:
        connect_all(session, simulation)


def test_wrong_credentials_and_an_away_system_are_told_without_a_report_being_made(
    database: str, tmp_path: Path
) -> None:
    with RunningCollaborateMD() as service:
        folder = project("collaboratemd-reports", tmp_path / "billing", collaboratemd=service.url)
        assert faults(list(check_up(folder, office(database)))) == {}
        found_faults = faults(list(check_up(folder, office(database, COLLABORATEMD_PASSWORD="wrong"))))
        assert len(found_faults) == 1
        assert "refuses the request (401)" in "".join(found_faults.values())
        assert service.control("runs") == []


def office(database: str, **variables: str) -> Settings:
    base = {"COLLABORATEMD_USERNAME": "sim-user", "COLLABORATEMD_PASSWORD": "sim-password"}
    return read_settings({"CARELOOM_DATABASE_URL": database, **base, **variables})


def test_a_role_that_may_only_look_is_a_fault(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("drop role if exists careloom_looks")
        connection.execute("create role careloom_looks login")
        connection.execute("grant usage on schema careloom, clinical to careloom_looks")
        connection.execute("grant select on all tables in schema careloom to careloom_looks")
    url = database.replace("user=careloom", "user=careloom_looks")
    folder = project("collaboratemd-reports", tmp_path / "billing", collaboratemd="http://127.0.0.1:1")
    try:
        found_faults = faults(list(check_up(folder, office(url, COLLABORATEMD_PASSWORD=""))))
    finally:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("drop owned by careloom_looks")
            connection.execute("drop role careloom_looks")
    assert "may not write: schema reports, table account_reports" in found_faults["database role"]
