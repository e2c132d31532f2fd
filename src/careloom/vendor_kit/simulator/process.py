"""A simulator's process: its command line, its end, and how a test or a demo starts it and talks to it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from careloom.core.errors import UsageFault
from careloom.core.rooms import SimulatorOptions

_CONTROL_SECONDS = 120.0


def check_secrets(options: SimulatorOptions, names: Sequence[str]) -> None:
    """Refuse a secret that the simulator would not look at.

    Raises:
        UsageFault: there is one.

    """
    unknown = sorted(set(options.secrets) - set(names))
    if unknown:
        raise UsageFault(f"the simulator knows no secret {unknown[0]!r}; there are: {', '.join(names)}")


def parser_of(description: str, port: int) -> argparse.ArgumentParser:
    """The command line that all simulators have; each adds its own arguments."""
    parser = argparse.ArgumentParser(prog="simulator", description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=port, help="0 lets the system choose")
    parser.add_argument("--latency-ms", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--while-stdin", action="store_true", help="end when the standard input is closed")
    return parser


def options_of(namespace: argparse.Namespace, **values: Any) -> SimulatorOptions:
    """What was asked for by those arguments, with `values` for the simulator's own; ends with stdin where that was asked."""
    if namespace.while_stdin:
        end_with_stdin()
    return SimulatorOptions(
        host=namespace.host, port=namespace.port, latency_ms=namespace.latency_ms, seed=namespace.seed, **values
    )


def end_with_stdin() -> None:
    """End this process once the one that started it is gone."""

    def wait() -> None:
        while sys.stdin.buffer.read(1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def exit_code_of(serving: Callable[[], None]) -> int:
    """Serve, and say on stderr what cannot be served; the exit code."""
    try:
        serving()
    except UsageFault as fault:
        sys.stderr.write(f"{fault}\n")
        return fault.exit_code
    return 0


class SimulatorProcess:
    """A simulator in a process of its own, ended with the `with` block, or when the process that started it is gone.

    `package` is run by `python -m` with `arguments`; the port is chosen by the system.
    """

    package: str

    def __init__(self, *arguments: str) -> None:
        command: Sequence[str] = [sys.executable, "-m", self.package, "--port", "0", "--while-stdin", *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 (our own module)
        self.url = self._address()

    def _address(self) -> str:
        output = self._process.stdout
        line = output.readline() if output is not None else ""
        if not line.startswith("listening on "):
            self.close()
            raise UsageFault(f"the simulator did not start (exit code {self._process.returncode})")
        return line.removeprefix("listening on ").strip()

    def ask(self, method: str, path: str, json_body: Any = None) -> Any:
        """What a control endpoint answers, parsed.

        urllib.error.HTTPError where it is refused.
        """
        data = None if json_body is None else json.dumps(json_body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)  # noqa: S310 (our own address)
        with urllib.request.urlopen(request, timeout=_CONTROL_SECONDS) as answer:  # noqa: S310
            return json.loads(answer.read())

    def close(self) -> None:
        """End the process; harmless when called twice."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
