"""The project's dbt models, built by dbt itself in a process of its own, against the careloom store."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import orjson
from psycopg.conninfo import conninfo_to_dict

from careloom.core.errors import Fix, Later, UsageFault
from careloom.project.nearest import suggestion
from careloom.services.opening import HIDDEN, Opened
from careloom.services.progress import Watch
from careloom.store.account_reports import AccountReports
from careloom.store.locking import alone

Action = Literal["build", "run", "test"]
FOLDER = "models"
"""The project's folder that is a dbt project."""
_PASSWORD = "CARELOOM_DBT_PASSWORD"  # noqa: S105 the name of a variable
_SCHEMA = "analytics"
_BAD = ("error", "fail", "runtime error")
_POLL = 0.2
_RESULTS = Path("target") / "run_results.json"
_PROFILE_KEYS = {"host": "host", "port": "port", "user": "user", "dbname": "dbname", "sslmode": "sslmode"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One model or test: dbt's word for how it ended, and its message, which may name columns and counts."""

    name: str
    kind: str
    status: str
    failures: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsRun:
    """What dbt did. `complete` is False if it ended before it came to the models."""

    nodes: Sequence[Node]
    seconds: float
    complete: bool

    @property
    def counts(self) -> dict[str, int]:
        """How many models and tests ended how."""
        return dict(Counter(f"{one.kind} {one.status}" for one in self.nodes))

    @property
    def failed(self) -> Sequence[Node]:
        """What did not end well."""
        return [one for one in self.nodes if one.status in _BAD]

    @property
    def exit_code(self) -> int:
        """0 all well, 4 a model or a test failed."""
        return 4 if self.failed or not self.complete else 0

    def as_json(self) -> dict[str, Any]:
        """The run as plain data."""
        return asdict(self) | {"counts": self.counts}


def has_models(ready: Opened) -> bool:
    """Whether the project has a dbt project."""
    return (ready.project.folder / FOLDER / "dbt_project.yml").is_file()


def run_models(ready: Opened, action: Action, watch: Watch, *, select: str | None = None) -> ModelsRun:
    """Let dbt do `action` on the project's models.

    Fix where there are none, or dbt is not installed; UsageFault where `select` chooses nothing; Later if dbt is busy.
    """
    if not has_models(ready):
        raise Fix(f"this project has no models: {FOLDER}/dbt_project.yml is missing; see: careloom docs models")
    if importlib.util.find_spec("dbt") is None:
        raise Fix("dbt is not installed: python -m pip install 'careloom[models]'")
    with alone(ready.store, "models", ready.project.name) as ours:
        if not ours:
            raise Later("the models are being built already; try again when that is over", after=60.0)
        watch.progress.step(f"dbt {action}")
        hidden = ready.project.folder / HIDDEN / "dbt"
        hidden.mkdir(parents=True, exist_ok=True, mode=0o700)
        environment = _profile(hidden, ready.store.url)
        results = hidden / _RESULTS
        results.unlink(missing_ok=True)
        kept = AccountReports(ready.store)
        began = kept.now()
        _run(ready, hidden, [action, *(["--select", select] if select else [])], environment, watch)
        found = _read(results)
        if select and found.complete and not found.nodes:
            raise UsageFault(f"--select {select!r} chose nothing to {action}: {_meant(ready, select)}")
        if action == "build" and select is None and found.exit_code == 0:
            kept.built(ready.project.name, began)
        return found


def build_after(ready: Opened, watch: Watch) -> ModelsRun | None:
    """Build the models if reports were loaded since they were last built whole and without a failure; None if not."""
    if not has_models(ready) or watch.stop.is_set() or not AccountReports(ready.store).to_build(ready.project.name):
        return None
    return run_models(ready, "build", watch)


def _meant(ready: Opened, select: str) -> str:
    """The model that was probably meant."""
    names = [path.stem for path in (ready.project.folder / FOLDER).rglob("*.sql")]
    return suggestion(
        select.strip("+@"), names, f"name a model as dbt selects it; they are the .sql files in {FOLDER}/"
    )


def _run(ready: Opened, hidden: Path, words: Sequence[str], environment: Mapping[str, str], watch: Watch) -> None:
    """One dbt process, its talk kept in a log of its own; it is asked to end when the run is."""
    project = ready.project.folder / FOLDER
    places = ["--project-dir", str(project), "--profiles-dir", str(hidden), "--target-path", str(hidden / "target")]
    quiet = ["--log-path", str(hidden / "logs"), "--no-use-colors", "--no-version-check"]
    variables = orjson.dumps({"timezone": str(ready.project.timezone)}).decode()
    command = [sys.executable, "-m", "dbt.cli.main", *words, *places, *quiet, "--vars", variables]
    kept = dict(os.environ) | dict(environment) | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
    with (hidden / "last.log").open("wb") as log:
        process = subprocess.Popen(command, env=kept, cwd=hidden, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603 our own words
        asked = False
        while process.poll() is None:
            if watch.stop.wait(_POLL) and not asked:
                process.terminate()
                asked = True
            elif asked:
                process.wait()


def _profile(hidden: Path, url: str) -> Mapping[str, str]:
    """Write the profile `careloom`, without its password, which goes by the environment."""
    info = conninfo_to_dict(url)
    output: dict[str, Any] = {
        "type": "postgres",
        "schema": _SCHEMA,
        "threads": 2,
        "password": f"{{{{ env_var('{_PASSWORD}') }}}}",
    }
    output |= {mine: info[theirs] for theirs, mine in _PROFILE_KEYS.items() if info.get(theirs)}
    output["port"] = int(output.get("port") or 5432)
    output.setdefault("host", "localhost")
    output.setdefault("user", os.environ.get("USER") or "postgres")
    profile = {"careloom": {"target": "careloom", "outputs": {"careloom": output}}}
    # JSON is YAML, and quotes whatever an address may hold.
    (hidden / "profiles.yml").write_bytes(orjson.dumps(profile))
    return {_PASSWORD: str(info.get("password") or "")}


def _read(results: Path) -> ModelsRun:
    if not results.is_file():
        return ModelsRun(nodes=[], seconds=0.0, complete=False)
    said = orjson.loads(results.read_bytes())
    nodes = [
        Node(
            name=one["unique_id"].split(".", 2)[-1],
            kind=one["unique_id"].partition(".")[0],
            status=one["status"],
            failures=one.get("failures") or 0,
            seconds=float(one.get("execution_time") or 0.0),
        )
        for one in said["results"]
    ]
    return ModelsRun(nodes=nodes, seconds=float(said["elapsed_time"]), complete=True)
