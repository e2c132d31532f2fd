"""What an earlier pipeline was configured with is taken over: accounts, address, secrets; and never repeated."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from careloom.core.errors import UsageFault
from careloom.project.loader import load_project
from careloom.services.operate.blueprints import copy_blueprint, take_over
from careloom.systems import rooms
from cli.shell import START

GIVEN = """\
[API]
report_api_base_url = https://webapi.collaboratemd.com/v1
username = invented-user
password = p%ss word'$

[POSTGRES]
host = db.example.org
user = etl
password = s3cr/t@
database = clinic
port = 5433
schema = enhance_health_group

[CUSTOMERS]
accounts = ['10028395', '10026936']
"""


@pytest.fixture
def old_config(tmp_path: Path) -> Path:
    path = tmp_path / "config.ini"
    path.write_text(GIVEN, encoding="utf-8")
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    copy_blueprint("collaboratemd-reports", tmp_path / "project")
    return tmp_path / "project"


def secrets(project: Path) -> dict[str, str]:
    """As a shell reads them."""
    process = subprocess.run(
        ["sh", "-c", ". ./.careloom/secrets.env && env -0"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
        env={},
    )
    return dict(part.split("=", 1) for part in process.stdout.split("\0") if part)


def test_accounts_and_secrets_are_taken_over(old_config: Path, project: Path) -> None:
    lines = take_over("collaboratemd-reports", project, old_config, {})
    assert not [line for line in lines if "p%ss" in line or "s3cr" in line]
    loaded_project = load_project(project, rooms())
    assert len(loaded_project.reports) == 12
    assert {report.accounts for report in loaded_project.reports.values()} == {("10028395", "10026936")}
    kept_secrets = secrets(project)
    assert kept_secrets["COLLABORATEMD_USERNAME"] == "invented-user"
    assert kept_secrets["COLLABORATEMD_PASSWORD"] == "p%ss word'$"
    assert kept_secrets["CARELOOM_DATABASE_URL"] == "postgresql://etl:s3cr%2Ft%40@db.example.org:5433/clinic"
    assert stat.S_IMODE((project / ".careloom" / "secrets.env").stat().st_mode) == 0o600


def test_the_schema_is_taken_over_and_the_next_step_is_told(old_config: Path, project: Path) -> None:
    text = "\n".join(take_over("collaboratemd-reports", project, old_config, {}))
    assert {report.watched_in for report in load_project(project, rooms()).reports.values()} == {"enhance_health_group"}
    assert "enhance_health_group.account_reports will show" in text
    assert "the database is db.example.org:5433/clinic; it was not tried" in text
    assert "careloom migrate" in text


def test_the_environment_comes_before_the_file(old_config: Path, project: Path) -> None:
    environment = {"POSTGRES_HOST": "other.example.org", "API_PASSWORD": "another", "POSTGRES_DATABASE": "live"}
    take_over("collaboratemd-reports", project, old_config, environment)
    kept_secrets = secrets(project)
    assert kept_secrets["COLLABORATEMD_PASSWORD"] == "another"
    assert kept_secrets["CARELOOM_DATABASE_URL"] == "postgresql://etl:s3cr%2Ft%40@other.example.org:5433/live"


def test_another_address_goes_into_the_project(old_config: Path, project: Path) -> None:
    old_config.write_text(GIVEN.replace("webapi.collaboratemd.com/v1", "proxy.example.org/v1/"), encoding="utf-8")
    take_over("collaboratemd-reports", project, old_config, {})
    options = load_project(project, rooms()).systems["billing"].options
    assert options.base_url == "https://proxy.example.org"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("'10026936'", "'1002'", "1 of its accounts are no numbers of 8 digits"),
        ("['10028395', '10026936']", "", "names no accounts"),
        ("[API]", "password = s3cr/t@", "no configuration file"),
        ("https://webapi.collaboratemd.com/v1", "webapi", "is no address"),
        ("= enhance_health_group", "= a; drop table b", "`schema` is no name"),
    ],
)
def test_what_is_no_such_file_is_told_without_its_secrets(
    old_config: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    old_config.write_text(GIVEN.replace(old, new), encoding="utf-8")
    words = ["init", "collaboratemd-reports", str(tmp_path / "new"), "--from", str(old_config)]
    process = subprocess.run([sys.executable, "-c", START, *words], capture_output=True, text=True, check=False)
    assert process.returncode == 2
    assert message in process.stderr
    assert "s3cr" not in process.stderr
    assert not (tmp_path / "new").exists(), "the command can be repeated"


def test_a_blueprint_that_takes_over_nothing_says_so(old_config: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="takes over no configuration"):
        take_over("drchrono-clinical", tmp_path, old_config, {})
