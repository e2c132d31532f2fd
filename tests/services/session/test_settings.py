"""Where secrets come from, in which order, and what is said when they are nowhere."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import secretmanager

from careloom.core.errors import Fix
from careloom.services.session.settings import UNKNOWN, read_settings


class Manager:
    """Stands at the seam of Google's own client; `answers` maps resource names to payloads or errors."""

    def __init__(self, answers: dict[str, bytes | Exception]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self) -> Manager:
        return self

    def access_secret_version(self, *, name: str) -> SimpleNamespace:
        self.asked.append(name)
        answer = self.answers[name]
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(payload=SimpleNamespace(data=answer))


NAME = "projects/clinic-7/secrets/hubspot-token/versions/latest"


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Manager:
    manager = Manager({NAME: b"from-the-manager\n"})
    monkeypatch.setattr(secretmanager, "SecretManagerServiceClient", manager)
    return manager


def test_the_environment_is_asked_first_then_a_file_then_secret_manager(tmp_path: Path, manager: Manager) -> None:
    file = tmp_path / "token"
    file.write_text("from-a-file\n", encoding="utf-8")
    environment = {
        "HUBSPOT_TOKEN": "from-the-environment",
        "HUBSPOT_TOKEN_FILE": str(file),
        "CARELOOM_SECRETS_PROJECT": "clinic-7",
    }
    assert read_settings(environment).secret("secret:hubspot-token") == "from-the-environment"
    del environment["HUBSPOT_TOKEN"]
    assert read_settings(environment).secret("secret:hubspot-token") == "from-a-file"
    assert manager.asked == []
    del environment["HUBSPOT_TOKEN_FILE"]
    assert read_settings(environment).secret("secret:hubspot-token") == "from-the-manager"
    assert manager.asked == [NAME]


def test_the_projects_own_variable_outranks_the_platforms(manager: Manager) -> None:
    environment = {"CARELOOM_SECRETS_PROJECT": "clinic-7", "GOOGLE_CLOUD_PROJECT": "elsewhere"}
    assert read_settings(environment).secret("secret:hubspot-token") == "from-the-manager"


def test_a_secret_that_is_nowhere_says_where_to_put_it() -> None:
    with pytest.raises(Fix, match="set HUBSPOT_TOKEN, or HUBSPOT_TOKEN_FILE"):
        read_settings({}).secret("secret:hubspot-token")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Fix, match=r"cannot read .*absent \(No such file"):
        read_settings({"HUBSPOT_TOKEN_FILE": str(tmp_path / "absent")}).secret("secret:hubspot-token")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (exceptions.NotFound("no such secret"), "create the secret"),
        (exceptions.PermissionDenied("no"), "Secret Manager Secret Accessor"),
        (DefaultCredentialsError("nobody is logged in"), "gcloud auth application-default login"),
    ],
)
def test_what_secret_manager_refuses_is_a_sentence(manager: Manager, error: Exception, message: str) -> None:
    manager.answers[NAME] = error
    with pytest.raises(Fix, match=message):
        read_settings({"GOOGLE_CLOUD_PROJECT": "clinic-7"}).secret("secret:hubspot-token")


def test_what_names_no_secret_is_given_back() -> None:
    assert read_settings({}).secret("smtp://mail.example:25") == "smtp://mail.example:25"


def test_a_database_address_that_cannot_be_read_is_not_quoted() -> None:
    with pytest.raises(Fix, match="no PostgreSQL address") as error:
        read_settings({"CARELOOM_DATABASE_URL": "postgresql//user:hush@host"})
    assert "hush" not in str(error.value)


def test_the_databases_address_may_be_in_a_file_and_the_environment_comes_first(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://careloom@db.example.org/careloom\n", encoding="utf-8")
    environment = {"CARELOOM_DATABASE_URL_FILE": str(file)}
    assert read_settings(environment).database_url == "postgresql://careloom@db.example.org/careloom"
    assert read_settings({**environment, "CARELOOM_DATABASE_URL": "dbname=other"}).database_url == "dbname=other"
    with pytest.raises(Fix, match="database-url"):
        read_settings({"CARELOOM_DATABASE_URL_FILE": str(tmp_path / "nowhere")})


def test_the_actor_is_whom_the_system_knows_and_not_whom_a_variable_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pwd.getpwuid", lambda number: SimpleNamespace(pw_name="ana"))
    settings = read_settings({"USER": "anyone"})
    assert settings.actor == "ana"
    assert settings.witness == f"ana (uid {os.getuid()} ana on {socket.gethostname()}, USER anyone)"
    actor_settings = read_settings({"USER": "ana", "CARELOOM_ACTOR": "berta"})
    assert actor_settings.witness == f"berta (uid {os.getuid()} ana on {socket.gethostname()})"


def test_an_actor_without_any_name_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert read_settings({"USER": "anyone", "CARELOOM_ACTOR": " "}).actor == UNKNOWN
