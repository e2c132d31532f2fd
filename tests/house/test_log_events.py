"""Every log line has a stable key for alert rules: a noun and what happened to it, with one sentence that says the same."""

from __future__ import annotations

import importlib.util
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
KEY = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")


@cache
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate_log_events", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def calls() -> list[tuple[str, str, str]]:
    """Place, event and sentence of every call."""
    return [(f"{file}:{line}", event, sentence) for file, line, _severity, event, sentence in generator().log_calls()]


def test_every_log_call_has_a_key_and_a_sentence() -> None:
    assert len(calls()) > 30
    assert [place for place, event, sentence in calls() if not KEY.fullmatch(event) or " " not in sentence] == []


def test_a_key_has_one_sentence_and_a_sentence_one_key() -> None:
    sentences, keys = defaultdict(set), defaultdict(set)
    for _place, event, sentence in calls():
        sentences[event].add(sentence)
        keys[sentence].add(event)
    assert {event: texts for event, texts in sentences.items() if len(texts) > 1} == {}
    assert {sentence: events for sentence, events in keys.items() if len(events) > 1} == {}
