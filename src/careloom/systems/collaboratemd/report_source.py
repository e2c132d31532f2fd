"""Reports of CollaborateMD: asked for, asked after, and unpacked.

Only one report runs for a partner at a time. A second request is answered with the identifier of the first: of another's
report, or of our own where the answer to its request was lost. So whoever loads what comes checks by its columns that it
is the report that was asked for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from errno import EDQUOT, ENOSPC
from pathlib import Path
from threading import Lock

from careloom.core.errors import CareloomError, Fix, Later
from careloom.core.log import LOG
from careloom.core.ports import Finding
from careloom.core.reports import Asked, Fetched, ReportAsk, ReportPolicy
from careloom.core.rooms import RoomContext
from careloom.systems.collaboratemd.archives import unpack
from careloom.systems.collaboratemd.client import Client
from careloom.systems.collaboratemd.options import Options
from careloom.systems.collaboratemd.responses import asked, state

_NUMBER = re.compile(r"[0-9]{1,20}")
_NO_RUN = "0"
"""The identifier of no run; theirs count from one."""
_ARCHIVE = "report.zip"


def report_policy(options: Options) -> ReportPolicy:
    """How long reports are waited for, as the system's options say."""
    return ReportPolicy(
        poll_seconds=options.poll_seconds,
        ceiling_seconds=options.ceiling_minutes * 60,
        asks=options.asks,
    )


class CollaborateMDReports:
    """A `core.reports.ReportSource`.

    How often a finished run came without data is counted in memory: a process that begins anew counts anew.
    """

    def __init__(self, options: Options, context: RoomContext, *, client: Client | None = None) -> None:
        self._client = client or Client(options, context)
        self._limits = options.limits
        self._grace = options.grace_polls
        self._empty: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"CollaborateMDReports({self._client!r})"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def check(self, asks: Sequence[ReportAsk]) -> Sequence[Finding]:
        """Each account is asked for the results of a run that never was, which makes no report.

        The answer tells whether the credentials hold for the account; of a report's own number it tells nothing.
        """
        for report_ask in asks:
            _number(report_ask.report), _number(report_ask.filter)
        return [self._checked(account) for account in dict.fromkeys(report_ask.account for report_ask in asks)]

    def _checked(self, account: str) -> Finding:
        try:
            envelope = self._client.post(f"/v1/customer/{_number(account)}/reports/results/{_NO_RUN}")
        except Later:
            raise
        except CareloomError as error:
            return Finding(level="fault", what=f"account {account}", detail=str(error))
        answer_state, message = state(envelope)
        if answer_state == "refused":
            return Finding(level="fault", what=f"account {account}", detail=message, fix="ask CollaborateMD to open it")
        return Finding(level="ok", what=f"account {account}", detail="the credentials are accepted")

    def ask(self, wanted: ReportAsk) -> Asked:
        """Ask for a report of one account; see `Asked` and this module for what a busy system answers."""
        place = f"reports/{_number(wanted.report)}/filter/{_number(wanted.filter)}/run"
        envelope = self._client.post(f"/v1/customer/{_number(wanted.account)}/{place}")
        return asked(envelope)

    def fetch(self, account: str, identifier: str, folder: Path) -> Fetched:
        """The results of a run in `folder`."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        archive = folder / _ARCHIVE
        try:
            return self._fetched(account, identifier, folder, archive)
        except OSError as error:
            if error.errno in {ENOSPC, EDQUOT}:
                raise Fix("the disk on which reports are unpacked is full: make room and run again") from None
            raise
        finally:
            archive.unlink(missing_ok=True)

    def _fetched(self, account: str, identifier: str, folder: Path, archive: Path) -> Fetched:
        path = f"/v1/customer/{_number(account)}/reports/results/{_number(identifier)}"
        envelope = self._client.post(path, data=archive)
        answer_state, message = state(envelope)
        if answer_state == "no-rows" and envelope.data_bytes:
            # Two words against each other: the rows count.
            answer_state, message = "ready", ""
        if answer_state == "ready" and not envelope.data_bytes:
            return self._without_data(account, identifier)
        if answer_state != "waiting":
            self._forget(account, identifier)
        if answer_state != "ready":
            return Fetched(state=answer_state, message=message)
        archive_files = unpack(archive, folder, self._limits)
        if archive_files.ignored:
            LOG.info(
                "report.files_ignored", message="files that are not CSV were left out", count=archive_files.ignored
            )
        return Fetched(
            state="ready",
            files=archive_files.files,
            message=_counted(len(archive_files.files), archive_files.ignored),
            numbers=archive_files.numbers - {identifier},
            recoded=archive_files.recoded,
        )

    def _without_data(self, account: str, identifier: str) -> Fetched:
        """SUCCESS without data is said both before the file is made and where there are no rows."""
        with self._lock:
            self._empty[account, identifier] += 1
            polls = self._empty[account, identifier]
        if polls <= self._grace:
            return Fetched(state="waiting", message=f"the report is done, its data has not come yet ({polls})")
        self._forget(account, identifier)
        return Fetched(state="no-data", message=f"the report is done and without data, asked {polls} times")

    def _forget(self, account: str, identifier: str) -> None:
        with self._lock:
            self._empty.pop((account, identifier), None)


def _number(value: str) -> str:
    """The value where it is a number of theirs, which may stand in a path."""
    if not _NUMBER.fullmatch(value):
        raise Fix("an account, report, filter or run of CollaborateMD is a number: check the reports of the project")
    return value


def _counted(files: int, ignored: int) -> str:
    return f"{files} CSV file{'s' if files != 1 else ''}" + (f", {ignored} other left out" if ignored else "")
