"""A project whose systems are simulated on this machine: invented secrets, addresses on loopback, people who never were."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from threading import Event
from urllib.parse import parse_qs, urlsplit

import urllib3
from pydantic import BaseModel

from careloom.core.errors import Stop
from careloom.core.log import LOG
from careloom.core.rooms import Room
from careloom.project.loader import load_project
from careloom.project.model import Project, System
from careloom.services.operate.blueprints import blueprints_folder
from careloom.services.session.sessions import Session
from careloom.services.session.settings import Settings
from careloom.systems import rooms

_PREFIX, _REDIRECT = "secret:", "http://127.0.0.1/connected"
_HANG = 120.0
"""Seconds after which a simulator that neither answers nor ends is taken to hang."""
_QUICK = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A project's simulators. `settings` hold the invented secrets; `addresses` say where each system answers."""

    settings: Settings
    addresses: Mapping[str, str]
    secrets: Mapping[str, Mapping[str, str]] = field(repr=False)


@contextmanager
def simulators(folder: Path, settings: Settings, hooks: str) -> Iterator[Simulation]:
    """Start a simulator of each system that the project lands or asks for reports; they end with the block.

    `hooks`: the address at which `careloom serve` will answer.
    """
    project = load_project(folder, rooms(), settings.env)
    system_names = {landing.system for landing in project.landings.values()}
    system_names |= {report.system for report in project.reports.values()}
    with ExitStack() as stack:
        system_secrets: dict[str, dict[str, str]] = {}
        addresses: dict[str, str] = {}
        for name, system in project.systems.items():
            room = rooms()[system.kind]
            if name in system_names and room.simulate is not None:
                system_secrets[name] = _invented_secrets(system.options)
                addresses[name] = stack.enter_context(_running(room, system_secrets[name], f"{hooks}/webhooks/{name}"))
        environment = dict(settings.environment)
        for name, options in system_secrets.items():
            for option, value in options.items():
                environment[_variable(getattr(project.systems[name].options, option))] = value
        # For tokens that are worth nothing; where the store is the project's own, the project has a key of its own.
        environment.setdefault("CARELOOM_SEAL_KEY", b64encode(secrets.token_bytes(32)).decode())
        yield Simulation(
            settings=replace(settings, environment=environment), addresses=addresses, secrets=system_secrets
        )


def pointed_at(project: Project, simulation: Simulation) -> Project:
    """The project with its systems at the simulators' addresses."""
    systems = {name: _at(system, simulation.addresses.get(name)) for name, system in project.systems.items()}
    return replace(project, systems=systems)


def connect_all(session: Session, simulation: Simulation) -> None:
    """Authorize careloom at each simulator, as a person would by `careloom connect`."""
    http = urllib3.PoolManager()
    for name in simulation.addresses:
        system = session.project.systems[name]
        authorization = rooms()[system.kind].authorization
        context = session.room_context(name)
        if authorization is None or context.tokens is None:
            continue
        # Again at each start: the simulator that gave out what is stored from an earlier one is gone.
        url = authorization.url(system.options, context, _REDIRECT, "simulated")
        answer = http.request("GET", url, redirect=False, retries=False, timeout=10)
        code = parse_qs(urlsplit(answer.headers.get("location", "")).query).get("code", [""])[0]
        context.tokens.store(authorization.exchange(system.options, context, _REDIRECT, code))


def live(session: Session, simulation: Simulation, hooks: str, stop: Event) -> None:
    """Let things happen in the simulated systems until `stop` is set, where the project's blueprint knows what does.

    `hooks`: the address at which `careloom serve` answers.
    """
    path = blueprints_folder() / session.project.name / "demo" / "day.py"
    spec = spec_from_file_location("careloom_day", path) if path.is_file() else None
    if spec is None or spec.loader is None or not simulation.addresses:
        return
    day = module_from_spec(spec)
    spec.loader.exec_module(day)
    try:
        day.live(
            simulation.addresses,
            simulation.secrets,
            {name: f"{hooks}/webhooks/{name}" for name in simulation.addresses},
            stop,
        )
    except Exception as error:  # noqa: BLE001 what is only shown must not end what is served
        LOG.error("simulation.ended_early", message="the simulated day ended early", reason=type(error).__name__)


def _at(system: System, address: str | None) -> System:
    fields = type(system.options).model_fields
    if not address or "base_url" not in fields:
        return system
    # A simulator is quick: no one who looks on should wait as one must for the real thing.
    update = {"base_url": address} | ({"poll_seconds": _QUICK} if "poll_seconds" in fields else {})
    return replace(system, options=system.options.model_copy(update=update))


def _invented_secrets(options: BaseModel) -> dict[str, str]:
    """A value for each secret that the options name."""
    values = {option: getattr(options, option) for option in type(options).model_fields}
    return {
        option: secrets.token_urlsafe(24)
        for option, value in values.items()
        if isinstance(value, str) and value.startswith(_PREFIX)
    }


def _variable(reference: str) -> str:
    return reference.removeprefix(_PREFIX).upper().replace("-", "_")


@contextmanager
def _running(room: Room, option_secrets: Mapping[str, str], hooks: str) -> Iterator[str]:
    port = _free_port()
    environment = os.environ | {f"CARELOOM_SIM_{option.upper()}": value for option, value in option_secrets.items()}
    command = [sys.executable, "-m", "careloom.cli.start", "sim", room.kind, "--port", str(port), "--hooks-url", hooks]
    # A system that only calls us says where it sends to, and answers nowhere.
    answers = (room.stream_source or room.reports) is not None
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603 our own module
    try:
        if answers:
            _wait_for(process, port)
        yield f"http://127.0.0.1:{port}" if answers else ""
    finally:
        process.terminate()
        try:
            process.wait(_HANG)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    """Until it answers or has ended; how long that takes is the machine's mood."""
    end = time.monotonic() + _HANG
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise Stop(f"the simulator did not start (exit code {process.poll()})")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
