"""`careloom init collaboratemd-reports DIR --from config.ini`: what an earlier pipeline was configured with, taken over."""  # noqa: INP001 loaded by its path

from __future__ import annotations

import ast
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from configparser import ConfigParser
from configparser import Error as IniError
from pathlib import Path
from urllib.parse import quote

from careloom.core.errors import UsageFault

_DEFAULT = "https://webapi.collaboratemd.com"
_ACCOUNT = re.compile(r"\d{8}")
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_SECRETS = Path(".careloom") / "secrets.env"


def take_over(folder: Path, given: Path, environment: Mapping[str, str]) -> Sequence[str]:
    """Write into the new project in `folder` what `given` says; the environment's values come before the file's.

    Passwords go to a file of their own that only its owner can read. Returns what is to be told. UsageFault where the file
    is none.
    """
    found = _read(given)
    told = [_accounts(folder, given, found), *_schema(folder, given, found, environment)]
    base = _value(found, environment, "API", "report_api_base_url")
    if base:
        told += _address(folder, base)
    secrets = {
        "COLLABORATEMD_USERNAME": _value(found, environment, "API", "username", "API_USERNAME"),
        "COLLABORATEMD_PASSWORD": _value(found, environment, "API", "password", "API_PASSWORD"),
        "CARELOOM_DATABASE_URL": _database(found, environment),
    }
    return [
        *told,
        *_keep(folder, {name: value for name, value in secrets.items() if value}),
        *(_next(secrets["CARELOOM_DATABASE_URL"]) if secrets["CARELOOM_DATABASE_URL"] else ()),
    ]


def _read(given: Path) -> ConfigParser:
    found = ConfigParser(interpolation=None)
    try:
        found.read_string(given.read_text(encoding="utf-8-sig"))
    except (IniError, UnicodeDecodeError):
        # The parser's own message would quote the line, which may hold a password.
        raise UsageFault(f"{given} is no configuration file of sections with `key = value` lines") from None
    except OSError as error:
        raise UsageFault(f"cannot read {given}: {error.strerror}") from None
    return found


def _value(found: ConfigParser, environment: Mapping[str, str], section: str, key: str, variable: str = "") -> str:
    return environment.get(variable) or found.get(section, key, fallback="").strip()


def _accounts(folder: Path, given: Path, found: ConfigParser) -> str:
    text = found.get("CUSTOMERS", "accounts", fallback="").strip()
    try:
        listed = ast.literal_eval(text) if text else []
        accounts = [str(one).strip() for one in listed]
    except (ValueError, SyntaxError, TypeError):
        accounts = [one.strip() for one in text.split(",")]
    accounts = list(dict.fromkeys(accounts))
    wrong = sum(1 for one in accounts if not _ACCOUNT.fullmatch(one))
    if wrong or not accounts:
        cause = f"{wrong} of its accounts are no numbers of 8 digits" if accounts else "it names no accounts"
        raise UsageFault(f"{given}: {cause}; correct `accounts` under [CUSTOMERS]")
    path = folder / "reports" / "receivables.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    said = "accounts: [" + ", ".join(f'"{one}"' for one in accounts) + "]\n"
    path.write_text("".join(said if line.startswith("accounts:") else line for line in lines), encoding="utf-8")
    return f"{len(accounts)} accounts are in reports/receivables.yaml"


def _address(folder: Path, base: str) -> Sequence[str]:
    address = re.sub(r"/v\d+/?$", "", base.rstrip("/"))
    if address == _DEFAULT:
        return []
    if not re.match(r"https?://", address):
        raise UsageFault("report_api_base_url is no address: write it like https://webapi.collaboratemd.com/v1")
    path = folder / "careloom.yaml"
    text = path.read_text(encoding="utf-8")
    kind = "    kind: collaboratemd\n"
    path.write_text(text.replace(kind, f"{kind}    base_url: {address}\n"), encoding="utf-8")
    return [f"the API is at {address}: see careloom.yaml"]


def _schema(folder: Path, given: Path, found: ConfigParser, environment: Mapping[str, str]) -> Sequence[str]:
    """Where the earlier pipeline was watched; its tables stay as they are, the reports are in the schema `reports`."""
    schema = _value(found, environment, "POSTGRES", "schema", "POSTGRES_SCHEMA")
    if not schema:
        return []
    if not _NAME.fullmatch(schema):
        raise UsageFault(f"{given}: `schema` is no name of small letters, digits and _; correct it under [POSTGRES]")
    path = folder / "reports" / "receivables.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("keep: 8", f"watched_in: {schema}\nkeep: 8", 1), encoding="utf-8")
    where = "reports are in the schema `reports`, the models' views in `analytics`"
    return [f"{schema}.account_reports will show how far each report is, by `watched_in`; {where}"]


def _next(url: str) -> Sequence[str]:
    where = url.rpartition("@")[2]
    return [
        f"the database is {where}; it was not tried",
        f"next: . ./{_SECRETS} && careloom migrate && careloom doctor",
    ]


def _database(found: ConfigParser, environment: Mapping[str, str]) -> str:
    """PostgreSQL's address; "" where the file names no server, and the embedded one is used."""
    host, user, password, name, port = (
        _value(found, environment, "POSTGRES", key, f"POSTGRES_{key.upper()}")
        for key in ("host", "user", "password", "database", "port")
    )
    if not host:
        return ""
    who = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    return f"postgresql://{who}@{host}:{port or 5432}/{quote(name, safe='')}"


def _keep(folder: Path, secrets: Mapping[str, str]) -> Sequence[str]:
    if not secrets:
        return []
    path = folder / _SECRETS
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in secrets.items())
    named = ", ".join(secrets)
    return [f"{named} are in {_SECRETS}, which only you can read: . ./{_SECRETS}"]
