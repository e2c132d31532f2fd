"""A portal whose every request is written down, and careloom as a process whose every word and argument is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from careloom.cli.main import main
from hang import HANG
from warm_python import warm_processes, warm_python


class Recorder(ThreadingHTTPServer):
    """Hands every request on to the portal at `beyond`; keeps its line and its headers, not its body."""

    daemon_threads = True

    def __init__(self, beyond: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.beyond = urlsplit(beyond)
        self.seen: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Recorder

    def _hand_on(self) -> None:
        self.server.seen.append(f"{self.command} {self.path}\n{self.headers}")
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        beyond = HTTPConnection(self.server.beyond.hostname or "", self.server.beyond.port, timeout=HANG)
        try:
            beyond.request(self.command, self.path, body, dict(self.headers.items()))
            answer = beyond.getresponse()
            content = answer.read()
        except OSError:
            self.close_connection = True
            return
        finally:
            beyond.close()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _hand_on  # noqa: N815 the base class's names

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@dataclass(kw_only=True)
class WatchedPortal:
    """A simulated portal in a process of its own. `url` is the recorder's; `output` is the file of all that it prints."""

    url: str
    own_url: str
    output: Path
    recorder: Recorder

    def control(self, method: str, path: str, json_body: Any = None) -> Any:
        data = None if json_body is None else json.dumps(json_body).encode()
        request = urllib.request.Request(f"{self.own_url}/__sim/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=HANG) as answer:
            return json.loads(answer.read())


@contextmanager
def watched_portal(folder: Path) -> Iterator[WatchedPortal]:
    output = folder / "simulator.out"
    command = [sys.executable, "-m", main.__module__, "sim", "hubspot", "--port", "0", "--tier", "unlimited"]
    with (
        output.open("w") as file,
        subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL) as process,
    ):
        try:
            own = _address(output)
            with Recorder(own) as recorder:
                threading.Thread(target=recorder.serve_forever, args=(0.05,), daemon=True).start()
                yield WatchedPortal(url=recorder.url, own_url=own, output=output, recorder=recorder)
                recorder.shutdown()
        finally:
            process.terminate()


def _address(output: Path) -> str:
    deadline = time.monotonic() + HANG
    while time.monotonic() < deadline:
        if "listening on " in (said := output.read_text()) and said.endswith("\n"):
            return said.split("listening on ")[1].split()[0]
        time.sleep(0.05)
    raise AssertionError(f"the simulator did not start: {output.read_text()}")


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one command printed and left with, and the argument lists of all processes that it brought forth."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str
    arguments: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def name(self) -> str:
        return "careloom " + " ".join(self.words)


@dataclass(kw_only=True)
class Careloom:
    """The command line of one project."""

    folder: Path
    environment: Mapping[str, str]
    said: list[Said] = field(default_factory=list)

    def __call__(self, *words: str, code: int | Sequence[int] | None = None, **environment: str) -> Said:
        told = self._run(words, environment)
        self.said.append(told)
        if code is not None:
            codes = [code] if isinstance(code, int) else code
            assert told.code in codes, f"{told.name} left with {told.code}\n{told.text}"
        return told

    def _run(self, words: Sequence[str], environment: Mapping[str, str]) -> Said:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR", "LC_ALL")}
        seen: set[str] = set()
        with subprocess.Popen(
            [str(warm_python()), "-m", main.__module__, *words],
            cwd=self.folder,
            env=kept | dict(self.environment) | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        ) as process:
            watching = threading.Thread(target=_watch, args=(process, seen))
            watching.start()
            out, err = process.communicate(timeout=HANG)
            watching.join()
        return Said(words=tuple(words), code=process.returncode, out=out, err=err, arguments="\n".join(sorted(seen)))


def _watch(process: subprocess.Popen[str], seen: set[str]) -> None:
    """Note the argument lists of `process`, of what it starts, and of the database's servers, which show what they do.

    What it starts is started by its fork, which is a child of the server of warm processes.
    """
    while process.poll() is None:
        with suppress(psutil.Error):
            own = psutil.Process(process.pid)
            begun = warm_processes() or own.children(recursive=True)
            for one in [own, *begun, *_servers()]:
                with suppress(psutil.Error):
                    seen.add(" ".join(one.cmdline()))
        time.sleep(0.2)


def _servers() -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["name"]) if one.info["name"] == "postgres"]
