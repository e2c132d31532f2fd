"""A Python that is already warm: processes forked from one that has loaded what they need, so that none loads it again.

`warm_python()` is the path of an executable that takes what `python` takes of `-m MODULE WORDS…` and `-c CODE WORDS…`, and
behaves as it does: environment, folder, standard streams, exit code, signals; whatever else it is given goes to the real
Python. What it runs is a fork of a server that this process starts once, and that ends with it. A process that is to be seen
in a list of processes, or killed with all that it began, is better a real one.

    python warm_python.py SOCKET MODULE…    the server, with these modules loaded
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
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

from sizes import WHOLE

PRELOADED = (
    "careloom.services.analytics.dbt_process",
    "careloom.cli.start",
    "dbt.cli.main",
    "dbt.task.build",
    "dbt.adapters.postgres",
    "dbt.adapters.duckdb",
)
CLIENT = Path(__file__).with_name("warm_client.py")
_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_MOST = 1 << 20


@functools.cache
def warm_python(*modules: str) -> Path:
    """The executable; in `make test-all` the real Python. `modules`: what is loaded ahead, `PRELOADED` if none is named."""
    if WHOLE:
        return Path(sys.executable)
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    address = folder / "socket"
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", __file__, str(address), *(modules or PRELOADED)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"warm\n", "the server of warm processes did not start"
    atexit.register(_leave, server)
    executable = folder / "python"
    words = [sys.executable, "-I", "-S", str(CLIENT), str(address), sys.executable]
    executable.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    executable.chmod(0o755)
    return executable


def _leave(server: subprocess.Popen[bytes]) -> None:
    """Its end is the end of its input."""
    for stream in (server.stdin, server.stdout):
        if stream is not None:
            stream.close()
    server.wait()


class _Server:
    """Forks on request, tells the exit status, and ends a process whose client is no more."""

    def __init__(self, address: str) -> None:
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
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, whose end is ours

    def serve(self) -> None:
        """Until standard input ends. A process of which nobody hears any more ends too."""
        self.selector.register(self.listener, selectors.EVENT_READ, self.begin)
        self.selector.register(self.wake, selectors.EVENT_READ, self.reap)
        self.selector.register(0, selectors.EVENT_READ, self.end)
        while True:
            for key, _ in self.selector.select():
                key.data()

    def begin(self) -> None:
        client, _ = self.listener.accept()
        message, streams, _, _ = socket.recv_fds(client, _MOST, 3)
        while not message.endswith(b"\n"):
            message += client.recv(_MOST)
        pid = os.fork()
        if pid == 0:
            self.listener.close()
            self.selector.close()
            for other in self.clients.values():
                other.close()
            client.close()
            _become(json.loads(message), streams)
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


def main() -> None:
    """Load, say so, serve."""
    address, *modules = sys.argv[1:]
    for module in modules:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    server = _Server(address)
    sys.stdout.write("warm\n")
    sys.stdout.flush()
    server.serve()


if __name__ == "__main__":
    main()
