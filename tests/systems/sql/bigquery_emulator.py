"""A BigQuery emulator for the tests that want one: started here, or one that runs already."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client

COMMAND = os.environ.get("CARELOOM_TEST_BIGQUERY_EMULATOR", "")
RUNNING = os.environ.get("BIGQUERY_EMULATOR_HOST", "")
WHY_NOT = "no BigQuery emulator: set CARELOOM_TEST_BIGQUERY_EMULATOR or BIGQUERY_EMULATOR_HOST"
PATIENCE = 60
PROJECT = "clinic-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    """Where it listens; `storage` is HOST:PORT of its Storage API, "" where that is not known."""

    url: str
    storage: str = ""

    def client(self) -> Client:
        return Client(project=PROJECT, credentials=AnonymousCredentials(), client_options={"api_endpoint": self.url})

    @contextmanager
    def dataset(self, name: str = "") -> Iterator[str]:
        """A fresh dataset of that name, or of a name of its own; dropped afterwards."""
        client, made = self.client(), name or f"test_{uuid.uuid4().hex[:12]}"
        client.create_dataset(made)
        yield made
        client.delete_dataset(made, delete_contents=True)
        client.close()


@contextmanager
def running_emulator(folder: Path) -> Iterator[Emulator]:
    """The emulator that runs already, else one that keeps its data in `folder` and ends with this."""
    if RUNNING:
        yield Emulator(url=RUNNING)
        return
    port, storage_port = _free_port(), _free_port()
    flags = f"serve --host 127.0.0.1 --port {port} --grpc-port {storage_port} --data-dir {folder / 'data'}"
    log = folder / "emulator.log"
    with (
        log.open("w") as file,
        subprocess.Popen([*shlex.split(COMMAND), *flags.split()], stdout=file, stderr=subprocess.STDOUT) as process,
    ):
        try:
            emulator = Emulator(url=f"http://127.0.0.1:{port}", storage=f"127.0.0.1:{storage_port}")
            _await(f"{emulator.url}/bigquery/v2/projects/{PROJECT}/datasets", process, log)
            yield emulator
        finally:
            process.terminate()


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(PATIENCE * 10):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=PATIENCE).close()
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the emulator did not start:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
