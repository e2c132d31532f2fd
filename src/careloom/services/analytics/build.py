"""The project's dbt models, built by dbt itself in a process of its own, against the careloom store."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import orjson

from careloom.core.attempts import Kind
from careloom.core.errors import Fix, Later, UsageFault
from careloom.core.ports import Finding
from careloom.project.models import MODELS
from careloom.project.nearest import suggestion
from careloom.services.analytics import dbt_process
from careloom.services.analytics.dbt_faults import is_collision, mistake_before, mistake_in
from careloom.services.analytics.dbt_profile import database_variables, write_profile
from careloom.services.session.attempts import Attempt, attempt
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session
from careloom.store.account_reports import AccountReports

Action = Literal["build", "run", "test"]
FOLDER = "models"
"""The project's folder that is a dbt project."""
_PATIENCE = 15.0
"""Seconds for which another build is waited for: one whose run was killed ends within them."""
_TRIES = 3
FAILED = "models-failed"
"""The code of an attempt whose models failed: it was made, and would fail again with the same data."""
_NOT_BUILT = ("exposure", "saved_query")
"""Kinds of nodes for which dbt has nothing to do, and says so."""
_BAD = ("error", "fail", "runtime error")
_POLL = 0.2
_LOG = "last.log"
_RESULTS = Path("target") / "run_results.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelNode:
    """One model or test: dbt's word for how it ended; `mistake`: what it says of it, where that quotes no person's data."""

    name: str
    kind: str
    status: str
    failures: int = 0
    seconds: float = 0.0
    mistake: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsRun:
    """What dbt did. `complete` is False if it ended before it came to the models; `mistake` says why, where that is known.

    `log`: where all that dbt said is. `collided`: what failed met another session's change of the same views.
    """

    nodes: Sequence[ModelNode]
    seconds: float
    complete: bool
    mistake: str = ""
    collided: bool = False
    log: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """How many models and tests ended how."""
        return dict(Counter(f"{node.kind} {node.status}" for node in self.nodes))

    @property
    def failed(self) -> Sequence[ModelNode]:
        """What did not end well."""
        return [node for node in self.nodes if node.status in _BAD]

    @property
    def exit_code(self) -> int:
        """0 all well, 1 a model or a test failed."""
        return 1 if self.failed or not self.complete else 0

    def as_json(self) -> dict[str, Any]:
        """The run as plain data."""
        return asdict(self) | {"counts": self.counts}


def has_models(session: Session) -> bool:
    """Whether the project has a dbt project."""
    return (session.project.folder / MODELS).is_file()


def run_models(session: Session, action: Action, watch: Watch, *, select: str | None = None) -> ModelsRun:
    """Let dbt do `action` on the project's models.

    Fix where there are none, or dbt is not installed; UsageFault where `select` chooses nothing; Later if another build is
    under way. What met another session's change of the same views is tried again.
    """
    is_full_build = action == "build" and select is None
    with attempt(
        session, Kind.models, session.project.name if is_full_build else f"{action} {select or ''}".strip()
    ) as entry:
        _required(session)
        account_reports = AccountReports(session.store)
        began = account_reports.now()
        for _ in range(_TRIES):
            run = _once(session, action, watch, select)
            if not run.collided or watch.stop.is_set():
                break
        if select and run.complete and not run.nodes:
            raise UsageFault(f"--select {select!r} chose nothing to {action}: {_meant(session, select)}")
        if is_full_build and run.exit_code == 0:
            account_reports.built(session.project.name, began)
        _note(entry, run, is_stopped=watch.stop.is_set())
    return run


def _required(session: Session) -> None:
    if not has_models(session):
        raise Fix(f"this project has no models: {FOLDER}/dbt_project.yml is missing; see: careloom docs models")
    if importlib.util.find_spec("dbt") is None:
        raise Fix("dbt is not installed: python -m pip install 'careloom[models]'")


def _once(session: Session, action: Action, watch: Watch, select: str | None) -> ModelsRun:
    watch.progress.step(f"dbt {action}")
    folder = session.hidden / "dbt"
    results = folder / _RESULTS
    results.unlink(missing_ok=True)
    code = _run(session, folder, [action, *(["--select", select] if select else [])], watch, under_lock=True)
    if code == dbt_process.BUSY:
        raise Later("the models are being built already; try again when that is over", after=60.0)
    if code == dbt_process.AWAY:
        raise Later("the database did not answer; check that it runs, then build the models again", after=60.0)
    return replace(_read(results, folder / _LOG), log=_log_of(session))


def _log_of(session: Session) -> str:
    """What dbt said, as a path in the project's folder."""
    return str((session.hidden / "dbt" / _LOG).relative_to(session.project.folder))


def _note(entry: Attempt, run: ModelsRun, *, is_stopped: bool) -> None:
    entry.counts = run.counts
    if is_stopped and run.exit_code:
        entry.state = "interrupted"
    elif run.exit_code:
        names = ", ".join(node.name for node in run.failed) or run.mistake or "dbt ended before it came to the models"
        entry.state, entry.code, entry.error = "failed", FAILED, f"failed: {names}; see: {run.log}"


def check_models(session: Session, watch: Watch) -> Sequence[Finding]:
    """Whether dbt is there and can read the project's models; nothing is built. Nothing to say where there are none."""
    if not has_models(session):
        return []
    _required(session)
    folder = session.hidden / "dbt"
    if _run(session, folder, ["parse"], watch, under_lock=False) == 0:
        return [Finding(level="ok", what="models", detail="dbt reads them")]
    mistake = mistake_before((folder / _LOG).read_text(encoding="utf-8", errors="replace"))
    detail = f"dbt cannot read them: {mistake}" if mistake else "dbt cannot read them"
    return [Finding(level="fault", what="models", detail=detail, fix=f"see: {_log_of(session)}")]


def build_after(session: Session, watch: Watch) -> ModelsRun | None:
    """Build the models if reports were loaded since they were last built whole and without a failure; None if not."""
    if (
        not has_models(session)
        or watch.stop.is_set()
        or not AccountReports(session.store).to_build(session.project.name)
    ):
        return None
    return run_models(session, "build", watch)


def _meant(session: Session, select: str) -> str:
    """The model that was probably meant."""
    names = [path.stem for path in (session.project.folder / FOLDER).rglob("*.sql")]
    return suggestion(
        select.strip("+@"), names, f"name a model as dbt selects it; they are the .sql files in {FOLDER}/"
    )


def _run(session: Session, folder: Path, words: Sequence[str], watch: Watch, *, under_lock: bool) -> int:
    """One dbt process, its talk kept in a log of its own; it is asked to end when the run is, and ends when we do.

    `under_lock`: no one else builds meanwhile, and it is not begun where someone does. Its exit code.
    """
    write_profile(folder, session.store)
    project = session.project.folder / FOLDER
    places = ["--project-dir", str(project), "--profiles-dir", str(folder), "--target-path", str(folder / "target")]
    quiet = ["--log-path", str(folder / "logs"), "--no-use-colors", "--no-version-check"]
    variables = orjson.dumps({"timezone": str(session.project.timezone)}).decode()
    interpreter = [sys.executable, "-m", dbt_process.__name__, session.project.name if under_lock else ""]
    command = [*interpreter, *words, *places, *quiet, "--vars", variables]
    environment = database_variables(session.store, session.project.timezone)
    process_environment = (
        dict(os.environ) | environment | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
    )
    pipe, streams = subprocess.PIPE, subprocess.STDOUT
    with (
        (folder / _LOG).open("wb") as log,
        # It ends when its standard input does: when this process closes the other end, or is no more.
        subprocess.Popen(  # noqa: S603 our own words
            command, env=process_environment, cwd=folder, stdin=pipe, stdout=log, stderr=streams
        ) as process,
    ):
        dbt_process.tell(process, session.store.url, _PATIENCE)
        has_terminated = False
        while process.poll() is None:
            if watch.stop.wait(_POLL) and not has_terminated:
                process.terminate()
                has_terminated = True
            elif has_terminated:
                process.wait()
        return process.returncode


def _read(results: Path, log: Path) -> ModelsRun:
    if not results.is_file():
        mistake = mistake_before(log.read_text(encoding="utf-8", errors="replace"))
        return ModelsRun(nodes=[], seconds=0.0, complete=False, mistake=mistake)
    document = orjson.loads(results.read_bytes())
    nodes = [
        ModelNode(
            name=result["unique_id"].split(".", 2)[-1],
            kind=result["unique_id"].partition(".")[0],
            status=result["status"],
            failures=result.get("failures") or 0,
            seconds=float(result.get("execution_time") or 0.0),
            mistake=mistake_in(result.get("message") or "") if result["status"] in _BAD else "",
        )
        for result in document["results"]
        if not result["unique_id"].startswith(_NOT_BUILT)
    ]
    has_collision = any(
        result["status"] in _BAD and is_collision(result.get("message") or "") for result in document["results"]
    )
    return ModelsRun(nodes=nodes, seconds=float(document["elapsed_time"]), complete=True, collided=has_collision)
