"""The glossary: one word, one meaning, and what it says of the code is so."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = [line.split(" | ") for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
WORDS = [word.strip("| ") for row in ROWS for word in row[0].split(",")]


def test_each_word_has_one_meaning() -> None:
    counts = Counter(word for word in WORDS if word != "word")
    assert len(counts) > 50
    assert [word for word, count in counts.items() if count > 1] == []


def test_each_word_is_used_outside_the_glossary() -> None:
    pages = [path for path in (ROOT / "docs").rglob("*.md") if path.name != "glossary.md"]
    texts = "\n".join(path.read_text(encoding="utf-8") for path in [*pages, *(ROOT / "src").rglob("*.py")]).lower()
    text = re.sub(r"[^a-z]+", " ", texts)
    assert [word for word in WORDS if f" {re.sub('[^a-z]+', ' ', word.lower()).strip()}" not in text] == []


def test_every_folder_and_name_of_the_code_that_it_names_is_there() -> None:
    paths = re.findall(r"`((?:services|systems|cli|engine|store|web|worker)(?:/[a-z_]+)?)`", TEXT)
    assert "services/session" in paths
    assert [path for path in paths if not (ROOT / "src" / "careloom" / path).is_dir()] == []
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    classes = re.findall(r"`([A-Z][a-z]+[A-Za-z]+)`", TEXT)
    assert classes
    assert [name for name in classes if f"class {name}" not in sources] == []
