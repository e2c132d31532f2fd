"""A Python that is already warm: processes forked from one that has loaded what they need, so that none loads it again.

`warm_python()` is the path of an executable that takes what `python` takes of `-m MODULE WORDS…` and `-c CODE WORDS…`, and
behaves as it does: environment, folder, standard streams, exit code, signals; whatever else it is given goes to the real
Python. What it runs is a fork of a server that the test run starts once for all its workers, and that ends with the run. A
process that is to be seen in a list of processes, or killed with all that it began, is better a real one.

    python warm_python.py SOCKET RUN    the server, for as long as the process RUN lives
"""

from __future__ import annotations

import atexit
import fcntl
import functools
import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import psutil

import careloom
from run import run_folder, run_process
from sizes import WHOLE

PRELOADED = ("dbt.cli.main", "dbt.task.build", "dbt.adapters.postgres", "dbt.adapters.duckdb")
"""What is loaded beside all of careloom."""
MODELS = Path(__file__).parents[1] / "blueprints" / "collaboratemd-reports" / "models"
CLIENT = Path(__file__).with_name("warm_client.py")
_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_MOST = 1 << 20
_LOOK = 1.0
"""Seconds between two looks at whether the test run still lives."""
_servers: list[subprocess.Popen[bytes]] = []


@functools.cache
def warm_python() -> Path:
    """The executable; in `make test-all` the real Python."""
    if WHOLE:
        return Path(sys.executable)
    folder = run_folder() / "warm"
    folder.parent.mkdir(mode=0o711, exist_ok=True)
    folder.mkdir(exist_ok=True)
    executable, address = folder / "python", folder / "socket"
    with (folder / "start").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not executable.exists():
            _start(address)
            words = [sys.executable, "-I", "-S", str(CLIENT), str(address), sys.executable]
            executable.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
            executable.chmod(0o755)
    return executable


def _start(address: Path) -> None:
    words = [sys.executable, "-W", "ignore", __file__, str(address), str(run_process())]
    server = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
    address.with_name("pid").write_text(str(server.pid))
    _servers.append(server)  # it outlives this worker, and is nobody's to wait for
    assert server.stdout is not None
    assert server.stdout.readline() == b"warm\n", "the server of warm processes did not start"
    server.stdout.close()


def warm_processes() -> list[psutil.Process]:
    """What is forked at this moment for any worker of the run, with all that it has started; nothing in `make test-all`."""
    pid = run_folder() / "warm" / "pid"
    return psutil.Process(int(pid.read_text())).children(recursive=True) if pid.exists() else []


class WarmSystem:
    """`sys` as a module sees it, but for the interpreter, which is a warm one."""

    def __getattr__(self, name: str) -> Any:
        return str(warm_python()) if name == "executable" else getattr(sys, name)


class _Server:
    """Forks on request, tells the exit status, and ends a process whose client is no more."""

    def __init__(self, address: str, run: int) -> None:
        self.run = run
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(address)
        self.listener.listen(64)
        self.clients: dict[int, socket.socket] = {}
        self.selector = selectors.DefaultSelector()
        self.wake, self.woken = socket.socketpair()
        for end in (self.wake, self.woken):
            end.settimeout(0)
        signal.set_wakeup_fd(self.woken.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Until the run ends. A process of which nobody hears any more ends too."""
        self.selector.register(self.listener, selectors.EVENT_READ, self.begin)
        self.selector.register(self.wake, selectors.EVENT_READ, self.reap)
        while psutil.pid_exists(self.run):
            for key, _ in self.selector.select(_LOOK):
                key.data()
        self.end()

    def begin(self) -> None:
        client, _ = self.listener.accept()
        message, streams, _, _ = socket.recv_fds(client, _MOST, 3)
        while not message.endswith(b"\n"):
            message += client.recv(_MOST)
        asked = json.loads(message)
        if "dbt" in asked["words"][1]:
            _read_models()
        pid = os.fork()
        if pid == 0:
            self.listener.close()
            self.selector.close()
            for other in self.clients.values():
                other.close()
            client.close()
            _become(asked, streams)
        for stream in streams:
            os.close(stream)
        self.clients[pid] = client
        self.selector.register(client, selectors.EVENT_READ, functools.partial(self.hear, pid))
        with suppress(OSError):  # a client that is killed by now is heard of in its turn
            client.sendall(b"%d\n" % pid)

    def hear(self, pid: int) -> None:
        """A signal to forward, or the end of the client, which is that of its process."""
        client = self.clients.get(pid)
        if client is None:  # it ended in this same round
            return
        with suppress(ConnectionError):
            if number := client.recv(1):
                os.kill(pid, number[0])
                return
        os.kill(pid, signal.SIGKILL)
        self.selector.unregister(client)

    def reap(self) -> None:
        self.wake.recv(_MOST)
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                client = self.clients.pop(ended[0])
                with suppress(KeyError):
                    self.selector.unregister(client)
                with suppress(OSError):
                    client.sendall(b"%d\n" % os.waitstatus_to_exitcode(ended[1]))
                client.close()

    def end(self) -> None:
        for pid in self.clients:
            os.kill(pid, signal.SIGKILL)
        os._exit(0)


def _become(wanted: dict[str, Any], streams: list[int]) -> NoReturn:
    """What was asked for, as far as a new process would be."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    sys.stdin, sys.stdout, sys.stderr = (open(number, mode, closefd=False) for number, mode in enumerate("rww"))  # noqa: SIM115 they are the process's own
    sys.stdout.reconfigure(line_buffering="PYTHONUNBUFFERED" in os.environ)
    sys.stderr.reconfigure(line_buffering=True, errors="backslashreplace")
    code = 1
    try:
        code = _run(wanted["words"])
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _run(words: list[str]) -> int:
    kind, what, rest = words[0], words[1], words[2:]
    sys.path[0] = ""
    try:
        if kind == "-c":
            sys.argv = ["-c", *rest]
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
        else:
            sys.argv = [what, *rest]
            sys.modules.pop(what, None)
            runpy.run_module(what, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except KeyboardInterrupt:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        sys.stderr.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        return 1
    except BaseException:  # noqa: BLE001 as Python does at its end
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        return 1
    atexit._run_exitfuncs()
    return 0


def _load() -> None:
    """All of careloom, and what it starts. Late modules are loaded when something of them is asked for."""
    for name in PRELOADED:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(careloom.__path__, "careloom."):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):  # of an extra that is not installed
                vars(importlib.import_module(module.name))


@functools.cache
def _read_models() -> None:
    """Let dbt read a project, so that what it makes of its own classes when it first meets them is there.

    For PostgreSQL, which it does not reach for that, and without its own parser: threads do not live on in a fork.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = {"type": "postgres", "host": "", "user": "", "password": "", "port": 1, "dbname": "", "schema": "it"}
        profiles = Path(folder) / "profiles.yml"
        profiles.write_text(json.dumps({"careloom": {"target": "it", "outputs": {"it": output}}}))
        places = ["--project-dir", str(MODELS), "--profiles-dir", folder, "--target-path", folder, "--log-path", folder]
        dbt = importlib.import_module("dbt.cli.main").dbtRunner()
        dbt.invoke(["parse", "--quiet", "--no-static-parser", "--no-send-anonymous-usage-stats", *places])


def main() -> None:
    """Load, say so, serve."""
    address, run = sys.argv[1:]
    _load()
    gc.collect()
    gc.freeze()
    server = _Server(address, int(run))
    os.write(1, b"warm\n")
    server.serve()


if __name__ == "__main__":
    main()
