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
from careloom.services.operate.simulate import Simulated, connect_all
from careloom.services.session.sessions import open_session
from careloom.services.session.settings import Settings, read_settings
from careloom.systems.collaboratemd.simulator import RunningCollaborateMD
from careloom.systems.drchrono.simulator import RunningDrChrono

BLUEPRINTS = Path(__file__).parents[2] / "blueprints"


def project(name: str, folder: Path, **addresses: str) -> Path:
    """A blueprint as a project whose systems of a kind are at an address."""
    shutil.copytree(BLUEPRINTS / name, folder, ignore=shutil.ignore_patterns("models", "charts"))
    yaml = folder / "careloom.yaml"
    for kind, url in addresses.items():
        yaml.write_text(yaml.read_text().replace(f"kind: {kind}\n", f"kind: {kind}\n    base_url: {url}\n"))
    return folder


def faults(findings: list[Finding]) -> dict[str, str]:
    found = [(one.what, one.detail) for one in findings if one.level == "fault"]
    assert len({detail for _, detail in found}) == len(found), "each cause is told once"
    return dict(found)


def test_every_secret_that_is_missing_is_named_once_with_who_needs_it(database: str, tmp_path: Path) -> None:
    folder = project("drchrono-clinical", tmp_path / "clinic")
    found = faults(list(check_up(folder, read_settings({"CARELOOM_DATABASE_URL": database}))))
    assert found.keys() == {
        "drchrono.client_id",
        "drchrono.client_secret",
        "drchrono.webhook_secret",
        "deepcura.secret",
        "seal key",
    }
    assert "set DRCHRONO_CLIENT_ID" in found["drchrono.client_id"]
    billing = project("collaboratemd-reports", tmp_path / "billing")
    found = faults(list(check_up(billing, read_settings({"CARELOOM_DATABASE_URL": database}))))
    assert found.keys() == {"billing.username", "billing.password"}


@pytest.fixture
def practice() -> Iterator[RunningDrChrono]:
    with RunningDrChrono("--tier", "unlimited") as running:
        yield running


def clinical(practice: RunningDrChrono, database: str, folder: Path) -> tuple[Path, Simulated]:
    environment = {
        "CARELOOM_DATABASE_URL": database,
        "CARELOOM_SEAL_KEY": b64encode(bytes(range(32))).decode(),
        "DRCHRONO_CLIENT_ID": "sim-client",
        "DRCHRONO_CLIENT_SECRET": "sim-client-secret",
        "DRCHRONO_WEBHOOK_SECRET": "sim-webhook-secret",
        "DEEPCURA_SHARED_SECRET": "sim-shared",
    }
    simulated = Simulated(settings=read_settings(environment), addresses={"drchrono": practice.url}, shared={})
    return project("drchrono-clinical", folder, drchrono=practice.url), simulated


def test_a_practice_that_is_connected_has_no_fault_and_one_that_is_not_says_so(
    practice: RunningDrChrono, database: str, tmp_path: Path
) -> None:
    folder, simulated = clinical(practice, database, tmp_path / "clinic")
    assert faults(list(check_up(folder, simulated.settings))).keys() == {"drchrono"}
    connect(folder, simulated)
    findings = list(check_up(folder, simulated.settings))
    assert faults(findings) == {}
    ok = {one.what for one in findings if one.level == "ok"}
    assert {"drchrono: stream patients", "drchrono: webhooks", "deepcura: Gridhooks", "bus: NOTIFY", "seal key"} <= ok
    assert {"database role", "stream patients", "stream deepcura_notes"} <= ok


def test_a_stream_that_the_account_may_not_read_is_the_only_fault(
    practice: RunningDrChrono, database: str, tmp_path: Path
) -> None:
    folder, simulated = clinical(practice, database, tmp_path / "clinic")
    connect(folder, simulated)
    practice.control("fail", statuses=[403])
    found = faults(list(check_up(folder, simulated.settings)))
    assert len(found) == 1
    ((what, detail),) = found.items()
    assert what.startswith("drchrono: stream ")
    assert "may not GET" in detail


def connect(folder: Path, simulated: Simulated) -> None:
    with open_session(folder, simulated.settings) as session:
        connect_all(session, simulated)


def test_wrong_credentials_and_an_away_system_are_told_without_a_report_being_made(
    database: str, tmp_path: Path
) -> None:
    with RunningCollaborateMD() as service:
        folder = project("collaboratemd-reports", tmp_path / "billing", collaboratemd=service.url)
        assert faults(list(check_up(folder, office(database)))) == {}
        found = faults(list(check_up(folder, office(database, COLLABORATEMD_PASSWORD="wrong"))))
        assert len(found) == 1
        assert "refuses the request (401)" in "".join(found.values())
        assert service.control("runs") == []


def office(database: str, **more: str) -> Settings:
    base = {"COLLABORATEMD_USERNAME": "sim-user", "COLLABORATEMD_PASSWORD": "sim-password"}
    return read_settings({"CARELOOM_DATABASE_URL": database, **base, **more})


def test_a_role_that_may_only_look_is_a_fault(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("drop role if exists careloom_looks")
        connection.execute("create role careloom_looks login")
        connection.execute("grant usage on schema careloom, clinical to careloom_looks")
        connection.execute("grant select on all tables in schema careloom to careloom_looks")
    url = database.replace("user=careloom", "user=careloom_looks")
    folder = project("collaboratemd-reports", tmp_path / "billing", collaboratemd="http://127.0.0.1:1")
    try:
        found = faults(list(check_up(folder, office(url, COLLABORATEMD_PASSWORD=""))))
    finally:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("drop owned by careloom_looks")
            connection.execute("drop role careloom_looks")
    assert "may not write: schema reports, table account_reports" in found["database role"]
