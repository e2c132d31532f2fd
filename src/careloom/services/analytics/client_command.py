"""A command of somebody's own (dbt, psql, a script) beside the project's database, for as long as the command lasts."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from careloom.core.errors import UsageFault
from careloom.services.analytics.build import FOLDER, has_models
from careloom.services.analytics.dbt_profile import ANALYTICS, database_variables, write_profile
from careloom.services.session.sessions import Session

_OWN = re.compile(r"dev_[a-z0-9_]{1,36}")
"""Schemas that are no one's but an analyst's: careloom never builds into one, and a model's own suffix still fits behind."""
_CAUGHT = 128
"""What a shell adds to the number of the signal that ended a command."""
_RIVALS = ("DBT_PROFILE", "DBT_TARGET")
"""What would choose another profile or target than the one that is written here."""


def checked_schema(schema: str | None) -> str:
    """`schema`, where it is the models' own (None: that) or one that an analyst may call theirs. UsageFault if not."""
    if schema is None:
        return ANALYTICS
    if schema == ANALYTICS or _OWN.fullmatch(schema):
        return schema
    raise UsageFault(
        f"--schema {schema!r} might be one that others read: a schema of your own begins with dev_, and continues with small "
        "letters, digits and _, 40 in all: dev_anna"
    )


def checked_command(words: Sequence[str]) -> str:
    """The program that `words` begin with, as a path. UsageFault where there is none."""
    program = shutil.which(words[0], path=_path())
    if program is None:
        raise UsageFault(
            f"there is no command {words[0]!r} here: neither on PATH nor a file that may be run; check how it is written, "
            "or install it"
        )
    return program


def run_command(session: Session, program: str, words: Sequence[str], schema: str) -> int:
    """Run `program` with `words` (the first is its name) on the project's open database; its exit code, as a shell gives it.

    dbt builds into `schema`. Nothing secret is on its command line: the password goes by the environment.
    """
    environment = {**os.environ, **database_variables(session.store, session.project.timezone), "PATH": _path()}
    for name in (*_RIVALS, *(f"DBT_ENGINE_{name.removeprefix('DBT_')}" for name in _RIVALS)):
        environment.pop(name, None)
    environment |= _dbt(session, schema)
    with subprocess.Popen(list(words), executable=program, env=environment) as process, _signals_to(process):  # noqa: S603 the user's own words
        code = process.wait()
    return _CAUGHT - code if code < 0 else code


def _dbt(session: Session, schema: str) -> Mapping[str, str]:
    """The variables of dbt. What it writes of itself is kept apart from what `careloom models` reads of its own builds."""
    folder = session.hidden / "dbt" / "by-hand" / schema
    write_profile(folder, session.store, schema)
    settings = {
        "PROFILES_DIR": str(folder),
        "TARGET_PATH": str(folder / "target"),
        "LOG_PATH": str(folder / "logs"),
        "SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    if has_models(session):
        settings["PROJECT_DIR"] = str(session.project.folder / FOLDER)
    # Newer releases of dbt prefer the longer name, which the user may have set.
    return {f"{begin}_{name}": value for begin in ("DBT", "DBT_ENGINE") for name, value in settings.items()}


def _path() -> str:
    """PATH, with the programs of the virtual environment in front that careloom itself runs in: dbt is among them."""
    path = os.environ.get("PATH", os.defpath)
    return path if sys.prefix == sys.base_prefix else os.pathsep.join([str(Path(sys.executable).parent), path])


@contextmanager
def _signals_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A signal to stop us is meant for the command. A Ctrl-C at the terminal reaches it without us."""

    def hand_on(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGINT or not _at_terminal():
            process.send_signal(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    former = {number: signal.signal(number, hand_on) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _at_terminal() -> bool:
    """Whether this process is in the foreground of its terminal, which sends Ctrl-C to all that are."""
    try:
        with open("/dev/tty", "rb") as terminal:  # noqa: PTH123 unbuffered is not needed, and it is no file
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False
