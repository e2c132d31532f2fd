"""Every command that the tutorial and the how-to pages mark as run is carried out against the simulator."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from docs.pages import DOCS
from docs.session import Ran, play

# In the order in which they build on each other: each goes on in the clinic that the tutorial made.
PLAYED = (
    "tutorial.md",
    "how-to/review.md",
    "how-to/mend-held-records.md",
    "how-to/own-a-field.md",
    "how-to/archive.md",
    "how-to/custom-objects.md",
    "how-to/simulator.md",
    "how-to/risk.md",
)


@pytest.fixture(scope="module")
def play_runs(tmp_path_factory: pytest.TempPathFactory) -> list[Ran]:
    if shutil.which("bash") is None or shutil.which("curl") is None:
        pytest.skip("the pages' commands need bash and curl")
    return play([DOCS / name for name in PLAYED], tmp_path_factory.mktemp("docs"))


@pytest.mark.slow
@pytest.mark.xdist_group("docs")
def test_every_command_of_the_tutorial_and_of_the_how_tos_does_what_the_page_shows(play_runs: list[Ran]) -> None:
    wrong = [told for ran in play_runs if (told := _wrong(ran))]
    assert not wrong, "\n\n".join(wrong[:3])
    assert len(play_runs) >= 30


def test_every_page_with_commands_to_run_is_played() -> None:
    pages = {page for page in DOCS.rglob("*.md") if "```sh run" in page.read_text(encoding="utf-8")}
    assert pages == {DOCS / Path(name) for name in PLAYED}


def _wrong(ran: Ran) -> str | None:
    if ran.code is None:
        return f"{ran.block}: was never reached"
    if ran.code != ran.wanted:
        return f"{ran.block}: left with {ran.code}, not {ran.wanted}:\n{ran.block.text}\n{ran.printed[-1500:]}"
    if (line := ran.missing()) is not None:
        return f"{ran.block}: the page shows {line!r}, which was not printed:\n{ran.printed}"
    return None
