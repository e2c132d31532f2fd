"""What every command that opens a project does: settings, logs, progress, and Ctrl-C at a checkpoint."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from careloom.cli.console import progress_for, talk
from careloom.cli.interrupts import begin, stop_at_once
from careloom.core.attempts import ALL, Kind
from careloom.core.errors import UsageFault
from careloom.core.ports import Lane
from careloom.services.session import attempts, audit, logs, projects, sessions
from careloom.services.session import progress as progress_of
from careloom.services.session import settings as environment


def settings() -> environment.Settings:
    """The environment's settings; logs are set up by them, and what begins now is brought to an end."""
    values = environment.read_settings(dict(os.environ))
    logs.set_up_logs(values)
    begin()
    return values


@contextmanager
def project(folder: Path) -> Iterator[sessions.Session]:
    """The project in `folder`, opened."""
    with sessions.open_session(folder.resolve(), settings()) as session:
        _say_environment(session)
        yield session


@contextmanager
def project_for(
    kind: Kind, name: str | None, folder: Path, *, lane: Lane = "schedule", trigger: sessions.Trigger = "hand"
) -> Iterator[sessions.Session]:
    """The project in `folder`, opened to try `kind` of `name` (None: of all that it has): a failure to open it is a row too."""
    with attempts.opened_for(folder.resolve(), settings(), kind, name or ALL, lane=lane, trigger=trigger) as session:
        _say_environment(session)
        yield session


def _say_environment(session: sessions.Session) -> None:
    if session.project.environment:
        talk.print(f"environment {session.project.environment}", markup=False)


def chosen(session: sessions.Session, name: str | None) -> Sequence[projects.Sync]:
    """The sync called `name`, or all in the order in which they depend on each other."""
    if name is None:
        return list(session.project.syncs.values())
    if name not in session.project.syncs:
        raise UsageFault(f"there is no sync {name!r} in this project; there are: {', '.join(session.project.syncs)}")
    return [session.project.syncs[name]]


def audited(session: sessions.Session, action: str, subject: str) -> None:
    """Write to the audit that this user saw or decided something."""
    audit.write(session, action, subject)


def may_reveal(*, reveal: bool) -> None:
    """No one sees people's values who could not be asked about it later.

    Raises:
        UsageFault: values are asked for, and neither CARELOOM_ACTOR nor the system says by whom.

    """
    if reveal and settings().actor == environment.UNKNOWN:
        raise UsageFault(
            f"--reveal shows people's values, and this process has no name (uid {os.getuid()}): "
            "set CARELOOM_ACTOR to who looks"
        )


@contextmanager
def watching(*, quiet: bool) -> Iterator[progress_of.Watch]:
    """Progress on standard error; the first Ctrl-C stops at the next checkpoint, the second at once."""
    with progress_for(quiet=quiet) as progress:
        watch = progress_of.Watch(progress=progress)

        def stop(number: int, _frame: FrameType | None) -> None:
            if watch.stop.is_set() and number == signal.SIGINT:
                stop_at_once(number, _frame)
            watch.stop.set()
            progress.step("stopping at the next checkpoint; press Ctrl-C again to stop at once")

        former = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield watch
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
