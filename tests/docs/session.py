"""Runs the blocks of several pages as one person would: in one shell, in one folder, one page after the other.

Marks of a block:  `run`        a block of shell commands is carried out; `exit=4` is what its last command leaves with
                   `background` it goes on running; the next block begins when it has said "listening on"
                   `file=NAME`  the block is what is in the file NAME
A block of `text` that follows shows what was printed: its lines come in that order, "…" stands for anything.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from docs.pages import Block, blocks
from hang import HANG
from warm_python import warm_python

PORT = "8901"
"""The simulator's port on the pages; a free one takes its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A block that was carried out: its exit code, or None if the shell never got so far."""

    block: Block
    code: int | None
    printed: str
    shown: Sequence[str]

    @property
    def wanted(self) -> int:
        return int(self.block.marks.get("exit", "0"))

    def missing(self) -> str | None:
        """The first line that the page shows and that was not printed."""
        other_lines = self.printed.splitlines()
        for line in self.shown:
            fits = re.compile(r"\s*" + ".*".join(re.escape(part) for part in line.strip().split("…")) + r"\s*")
            found = next((number for number, one in enumerate(other_lines) if fits.fullmatch(one)), None)
            if found is None:
                return line
            other_lines = other_lines[found + 1 :]
        return None


def play(pages: Sequence[Path], folder: Path) -> list[Ran]:
    """Carry out every marked block of `pages`, beginning in the empty `folder`."""
    blocks = [block for page in pages for block in _with_outputs(page) if block[0].marks]
    logs = folder / "logs"
    logs.mkdir(parents=True)
    port = _free_port()
    script = "\n".join(["set +e", *(_line(block, number, logs) for number, (block, _) in enumerate(blocks)), ""])
    home, programs = folder / "home", folder / "bin"
    home.mkdir()
    programs.mkdir()
    careloom = programs / "careloom"
    careloom.write_text(f'#!/bin/sh\nexec {shlex.quote(str(warm_python()))} -m careloom.cli.start "$@"\n')
    careloom.chmod(0o755)
    environment = {
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "USER": "pat",
        "CARELOOM_ACTOR": "pat",
        "LC_ALL": "C.UTF-8",
    }
    with subprocess.Popen(
        ["bash", "-c", script.replace(PORT, port)],
        cwd=home,
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    ) as shell:
        try:
            shell.wait(10 * HANG)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
    return [_ran(block, shown, number, logs, port) for number, (block, shown) in enumerate(blocks)]


def _with_outputs(page: Path) -> list[tuple[Block, list[str]]]:
    place: list[tuple[Block, list[str]]] = []
    for block in blocks(page):
        if block.language == "text" and place and "run" in place[-1][0].marks:
            place[-1][1].extend(line for line in block.text.splitlines() if line.strip(" …"))
        else:
            place.append((block, []))
    return place


def _line(block: Block, number: int, logs: Path) -> str:
    """The shell's way to carry out `block`."""
    out, code = shlex.quote(str(logs / f"{number}.out")), shlex.quote(str(logs / f"{number}.code"))
    if "file" in block.marks:
        name = shlex.quote(block.marks["file"])
        return (
            f"mkdir -p $(dirname {name}); printf %s {shlex.quote(block.text)} > {name}; echo $? > {code}; touch {out}"
        )
    body = f"{{\n{block.text}\n}} > {out} 2>&1"
    if "background" in block.marks:
        wait = f"for i in $(seq {HANG * 10:.0f}); do grep -q 'listening on' {out} && break; sleep 0.1; done"
        return f"{body} &\n{wait}\ngrep -q 'listening on' {out}; echo $? > {code}"
    return f"{body}\necho $? > {code}"


def _ran(block: Block, shown: list[str], number: int, logs: Path, port: str) -> Ran:
    code, log_list = logs / f"{number}.code", logs / f"{number}.out"
    printed = log_list.read_text(encoding="utf-8").replace(port, PORT) if log_list.exists() else ""
    return Ran(block=block, code=int(code.read_text()) if code.exists() else None, printed=printed, shown=shown)


def _free_port() -> str:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return str(place.getsockname()[1])
