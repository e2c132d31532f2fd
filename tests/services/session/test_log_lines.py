"""What a log line looks like: the key that alert rules match, beside the sentence that people read."""

from __future__ import annotations

import json
import logging

import pytest

from careloom.core import log
from careloom.services.session import log_lines
from careloom.services.session.settings import read_settings


@pytest.fixture
def log_setup() -> None:
    log.set_up(logging.INFO, lambda: log_lines.configure(read_settings({}), logging.INFO))


@pytest.mark.usefixtures("log_setup")
def test_a_line_has_its_key_and_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    log.LOG.bind(stream="patients").error("scan.failed", message="a scan failed", error="ValueError")
    line = json.loads(capsys.readouterr().err)
    assert line.pop("time")
    assert line == {
        "event": "scan.failed",
        "message": "a scan failed",
        "severity": "ERROR",
        "stream": "patients",
        "error": "ValueError",
    }


@pytest.mark.usefixtures("log_setup")
def test_a_line_without_a_key_has_its_text_as_the_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    log.LOG.info("run started")
    line = json.loads(capsys.readouterr().err)
    assert (line["message"], "event" in line) == ("run started", False)
