"""Scaffolds a vendor's room: `make room NAME=kind`.

python tools/room/make_room.py NAME [TITLE]     NAME: what `systems:` will call it; TITLE: the vendor's name in messages

It writes src/careloom/systems/NAME and tests/systems/NAME, and the room's line into src/careloom/systems/__init__.py. What is
written works: its simulator is a small API with a token, pages and signed webhooks, and the room passes the suites of what it
declares against it. What is the vendor's own is marked FILL IN.
"""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Iterable
from pathlib import Path

TEMPLATES = Path(__file__).parent
ROOT = TEMPLATES.parents[1]
_KIND = re.compile(r"[a-z][a-z0-9]{1,30}")
_RESERVED = frozenset({"sql", "files", "csv", "http", "careloom"})
_LINE = re.compile(r'    "careloom\.systems\.(\w+)\.room",\n')


class Refused(Exception):
    """No room is made; the message says why, and what to do."""


def make_room(kind: str, title: str, root: Path = ROOT) -> list[Path]:
    """Write the room below `root`; the files that were written. Refused, with nothing written, where it cannot be."""
    table = root / "src" / "careloom" / "systems" / "__init__.py"
    text = table.read_text(encoding="utf-8")
    folders = {"systems": table.parent / kind, "tests": root / "tests" / "systems" / kind}
    _check(kind, title, _LINE.findall(text), folders.values())
    words = {"__kind__": kind, "__Name__": title, "__Class__": re.sub(r"\W", "", title)}
    contents = {
        folders[part] / template.relative_to(TEMPLATES / part).with_suffix(""): template.read_text(encoding="utf-8")
        for part in folders
        for template in sorted((TEMPLATES / part).rglob("*.py.txt"))
    }
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled(content, words), encoding="utf-8")
    table.write_text(_with_line(text, kind), encoding="utf-8")
    return [*contents, table]


def _check(kind: str, title: str, kinds: list[str], folders: Iterable[Path]) -> None:
    if not _KIND.fullmatch(kind) or keyword.iskeyword(kind):
        raise Refused(f"{kind!r} is no name of a room: lower-case letters and digits, beginning with a letter")
    if kind in kinds or kind in _RESERVED or any(folder.exists() for folder in folders):
        raise Refused(f"there is a room {kind!r}, or its name is taken: choose another name")
    if not re.fullmatch(r"[A-Z]\w*( \w+)*", title):
        raise Refused(
            f"{title!r} is no vendor's name: words that begin with a capital letter, as in TITLE='Acme Health'"
        )


def _filled(content: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        content = content.replace(word, value)
    return content


def _with_line(text: str, kind: str) -> str:
    """The table with the room's line, in the order of the kinds."""
    lines = list(_LINE.finditer(text))
    after = [line for line in lines if line[1] < kind]
    position = after[-1].end() if after else lines[0].start()
    return f'{text[:position]}    "careloom.systems.{kind}.room",\n{text[position:]}'


def main(words: list[str]) -> int:
    """The exit code: 0, or 2 where no room was made."""
    if not 1 <= len(words) <= 2 or not words[0]:
        print("say which: make room NAME=kind [TITLE='Vendor']", file=sys.stderr)
        return 2
    kind = words[0]
    title = words[1] if len(words) > 1 and words[1] else kind.capitalize()
    try:
        paths = make_room(kind, title)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 2
    print(*[f"wrote {path.relative_to(ROOT)}" for path in paths], sep="\n")
    print(
        f"\nIt works as it is: .venv/bin/python -m pytest tests/systems/{kind}\n"
        f"Now look for FILL IN, the simulator first: grep -rn 'FILL IN' src/careloom/systems/{kind} tests/systems/{kind}\n"
        "Then .venv/bin/python docs/generate.py, and make check. docs/how-to/extend.md says what a room may be beside this."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
