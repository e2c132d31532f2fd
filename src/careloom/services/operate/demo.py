"""The whole way on invented people: a blueprint, a warehouse, a portal in a box; plan, apply, change, apply again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from careloom.core.errors import Later, UsageFault
from careloom.core.folders import HIDDEN
from careloom.project.model import Sync
from careloom.services.operate.blueprints import blueprints_folder, copy_blueprint
from careloom.services.session.progress import Watch
from careloom.services.session.sessions import Session, open_session, store_url
from careloom.services.session.settings import Settings
from careloom.services.sync.run import apply_sync, plan_sync, run_sync
from careloom.services.sync.summary import RunSummary
from careloom.store.ledger import Ledger
from careloom.store.migrations import drop_schema

_MARK = ".careloom-demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One act of the demo, with what each sync did in it."""

    title: str
    is_plan: bool
    reports: tuple[RunSummary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """What the demo shows in the end. `links` are counts of right, wrong and missed links, judged by the truth."""

    phases: tuple[Phase, ...]
    links: Mapping[str, int]
    people: str
    changes: Mapping[str, Mapping[str, int]]
    folder: Path


def run_demo(
    name: str, folder: Path, settings: Settings, watch: Watch, show: Callable[[Phase], None], *, share: float = 0.02
) -> DemoResult:
    """Play the blueprint called `name` in `folder`; `show` is given each act as it ends."""
    _clear(folder, settings)
    watch.progress.step("inventing patients, releases and a portal that knows some of them")
    copy_blueprint(name, folder)
    (folder / _MARK).touch()
    package = _demo_package(blueprints_folder() / name / "demo")
    package.generate(folder)
    stage = import_module(f"{package.__name__}.stage")
    with _simulator(stage.SIMULATOR, folder / stage.RECORDS) as url:
        secrets = stage.connect(folder, url)
        demo_settings = replace(settings, environment={**settings.environment, **secrets})
        return _Play(folder=folder, settings=demo_settings, watch=watch, show=show).whole(package, stage, share)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Play:
    folder: Path
    settings: Settings
    watch: Watch
    show: Callable[[Phase], None]

    def whole(self, package: ModuleType, stage: ModuleType, share: float) -> DemoResult:
        watch = self.watch
        phases = [
            self._act("plan", lambda session, sync: plan_sync(session, sync, watch, example_count=0), is_plan=True),
            self._act("apply", lambda session, sync: apply_sync(session, sync, watch)),
            self._act("run again", lambda session, sync: run_sync(session, sync, watch)),
        ]
        watch.progress.step(f"a day passes: {share:.0%} of the source's rows change")
        changes = package.change(self.folder, share=share)
        phases += [
            self._act(
                "plan the changes", lambda session, sync: plan_sync(session, sync, watch, example_count=0), is_plan=True
            ),
            self._act("apply the changes", lambda session, sync: apply_sync(session, sync, watch)),
        ]
        with open_session(self.folder, self.settings) as session:
            links = stage.judge(self.folder, _links(session, stage.PEOPLE))
        return DemoResult(phases=tuple(phases), links=links, people=stage.PEOPLE, changes=changes, folder=self.folder)

    def _act(self, title: str, do: Callable[[Session, Sync], RunSummary], *, is_plan: bool = False) -> Phase:
        with open_session(self.folder, self.settings) as session:
            reports = tuple(do(session, sync) for sync in session.project.syncs.values())
        self.watch.progress.rest()
        phase = Phase(title=title, is_plan=is_plan, reports=reports)
        self.show(phase)
        return phase


def _links(project: Session, sync: str) -> dict[str, tuple[str, str]]:
    return {
        str(row["key"]): (str(row["remote_id"]), str(row["rule"]))
        for row in Ledger(project.store, sync).linked_by_rule()
    }


def _clear(folder: Path, settings: Settings) -> None:
    """Begin again in a folder that an earlier demo made; UsageFault for any other that is not empty."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / _MARK).exists():
        raise UsageFault(f"{folder} is not empty, and no demo made it; name another folder")
    drop_schema(store_url(folder, settings))
    for entry in folder.iterdir():
        if entry.name == HIDDEN:
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


@contextmanager
def _simulator(kind: str, records: Path) -> Iterator[str]:
    """The simulator of `kind` in a process of its own; gives its address, and ends it."""
    command = [
        sys.executable,
        "-m",
        "careloom.cli.start",
        "sim",
        kind,
        "--contacts",
        str(records),
        "--tier",
        "unlimited",
    ]
    with subprocess.Popen(  # noqa: S603 our own words
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            addresses = [word for word in line.split() if word.startswith("http://")]
            if not addresses:
                raise Later(f"the simulator of {kind!r} did not start; try: careloom sim {kind}")
            yield addresses[0]
        finally:
            process.terminate()


def _demo_package(folder: Path) -> ModuleType:
    """The blueprint's demo package; its folder's name is no Python name, so it is loaded by its path."""
    name = "careloom_demo"
    spec = spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
    if spec is None or spec.loader is None or not (folder / "__init__.py").exists():
        raise UsageFault(f"the blueprint {folder.parent.name!r} has no demo")
    package = module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)
    return package
