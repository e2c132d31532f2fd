"""What the environment says, read once at the start."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from careloom.core.errors import Fix, SecretMissing
from careloom.services.session import database_address

_PREFIX = "secret:"
UNKNOWN = "unknown"
"""The actor whom neither CARELOOM_ACTOR nor the system names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`database_url` None means the embedded server. `trace` is the trace id that logs carry, if a platform gave one.

    `env`: the environment, "" for production; `placed`: `database_url` is the environment's own already.
    `actor`: who acts, as decisions keep it. `origin`: "uid 1000 ana on desk-7".
    """

    environment: Mapping[str, str]
    database_url: str | None
    trace: str | None
    actor: str
    origin: str = ""
    env: str = ""
    has_own_database: bool = False

    @property
    def witness(self) -> str:
        """Who acts, and as whom the system knows this process: what the audit keeps."""
        return f"{self.actor} ({self.origin})" if self.origin else self.actor

    def secret(self, reference: str) -> str:
        """The value of "secret:NAME"; any other text is given back as it is.

        Looked for in the environment as NAME (upper case, "_" for "-"), then in the file that NAME_FILE names, then in
        Google Secret Manager where CARELOOM_SECRETS_PROJECT (or GOOGLE_CLOUD_PROJECT) is set. SecretMissing if it is nowhere.
        """
        if not reference.startswith(_PREFIX):
            return reference
        name = reference.removeprefix(_PREFIX)
        variable = name.upper().replace("-", "_")
        if value := self.environment.get(variable):
            return value.strip()
        if path := self.environment.get(f"{variable}_FILE"):
            return _from_file(name, Path(path))
        project = self.environment.get("CARELOOM_SECRETS_PROJECT") or self.environment.get("GOOGLE_CLOUD_PROJECT")
        if project:
            return _from_secret_manager(project, name)
        raise SecretMissing(
            f"the secret {name!r} is nowhere: set {variable}, or {variable}_FILE to a file that holds it, or "
            "CARELOOM_SECRETS_PROJECT to the Google Cloud project that keeps it"
        )


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings that `environment` gives. Fix if one of them cannot be."""
    url = environment.get("CARELOOM_DATABASE_URL") or None
    if url is None and (file := environment.get("CARELOOM_DATABASE_URL_FILE")):
        url = _from_file("database-url", Path(file)) or None
    if url is not None:
        check_address(url, "CARELOOM_DATABASE_URL")
    parent = environment.get("TRACEPARENT", "").split("-")
    return Settings(
        environment=environment,
        database_url=url,
        trace=parent[1] if len(parent) > 1 else None,
        actor=environment.get("CARELOOM_ACTOR", "").strip() or _owner() or UNKNOWN,
        origin=_origin(environment),
        env=environment.get("CARELOOM_ENV", "").strip(),
    )


def _owner() -> str:
    """Whom the system knows this process as; "" where it has no name for the number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""


def _origin(environment: Mapping[str, str]) -> str:
    """The process's owner and machine. USER can be set to anything: where it is another name, both are told."""
    owner, user_variable = _owner(), environment.get("USER", "")
    origin = f"uid {os.getuid()}{f' {owner}' if owner else ''} on {socket.gethostname()}"
    return f"{origin}, USER {user_variable}" if user_variable and user_variable != owner else origin


def check_address(url: str, label: str) -> None:
    """Fix unless `url` is one that PostgreSQL's clients read; it may hold a password, so it is not quoted."""
    if not database_address.is_readable(url):
        raise Fix(f"{label} is no PostgreSQL address; write postgresql://USER:PASSWORD@HOST:5432/DATABASE")


def _from_file(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SecretMissing(
            f"the secret {name!r}: cannot read {path} ({error.strerror}); check the path and its rights"
        ) from None


def _from_secret_manager(project: str, name: str) -> str:
    try:
        from google.api_core.exceptions import GoogleAPICallError, RetryError  # noqa: PLC0415 optional dependency
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 optional dependency
        from google.cloud import secretmanager  # noqa: PLC0415 optional dependency
    except ImportError:
        raise SecretMissing(
            f"the secret {name!r} would be in Secret Manager: python -m pip install 'careloom[gcp]'"
        ) from None
    try:
        answer = secretmanager.SecretManagerServiceClient().access_secret_version(
            name=f"projects/{project}/secrets/{name}/versions/latest"
        )
    except (GoogleAuthError, RetryError) as error:
        raise SecretMissing(
            f"the secret {name!r}: no credentials for Secret Manager of project {project} ({type(error).__name__}); "
            "give this machine a service account, or run: gcloud auth application-default login"
        ) from None
    except GoogleAPICallError as error:
        raise SecretMissing(
            f"the secret {name!r}: Secret Manager of project {project} answered {error.grpc_status_code}; "
            "create the secret, and give this service account the role Secret Manager Secret Accessor"
        ) from None
    return str(answer.payload.data.decode()).strip()
