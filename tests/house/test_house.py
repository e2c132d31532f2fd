"""The house itself: its walls, its sizes, its doors. Nothing here starts a database or a portal."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import careloom
from careloom.cli.main import COMMANDS, loaded
from careloom.systems import ROOM_MODULES

HOUSE = Path(careloom.__file__).parent
ROOT = Path(__file__).parents[2]
SPOKEN_EVERYWHERE = {"sql"}
"""A kind that is a language before it is a vendor."""

VENDORS = sorted({module.split(".")[2] for module in ROOM_MODULES} - SPOKEN_EVERYWHERE)
MOST_LINES = 400
MOST_FUNCTION_LINES = 60
OPTIONAL = "optional dependency"
MACHINE_PATH = re.compile(r"(?<![\w.}~/])/(?:root|home|work)(?![\w-])")


@cache
def sources() -> dict[Path, str]:
    """Every text file of the house by its path within it."""
    files = (path for path in sorted(HOUSE.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(HOUSE): path.read_text(encoding="utf-8") for path in files}


@cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(text) for path, text in sources().items() if path.suffix == ".py"}


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def tracked_files() -> list[Path]:
    """The files that are kept in git; skips where the house came without its history."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    process = subprocess.run(
        [git, "-c", f"safe.directory={ROOT}", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in process.stdout.split("\0") if name and (ROOT / name).is_file()]


# ---------------------------------------------------------------- walls


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendor_is_named_only_in_its_room_and_in_its_line_of_the_table(vendor: str) -> None:
    table = Path("systems") / "__init__.py"
    lines = [
        f"{path}:{number}: {line.strip()}"
        for path, text in sources().items()
        if (Path("systems") / vendor) not in path.parents
        for number, line in enumerate(text.splitlines(), 1)
        if vendor in line.lower() and not (path == table and line.strip() == f'"careloom.systems.{vendor}.room",')
    ]
    assert not lines


LOOK_THROUGH = """
import sys
from importlib import import_module

for name in sys.stdin.read().split():
    import_module(name)
from careloom.cli.main import main

codes = []
for command in (["--help"], ["schema"], ["sim", sys.argv[1]], ["check", "--project", sys.argv[2]]):
    try:
        main(command)
    except SystemExit as end:
        codes.append(end.code)
print(codes)
"""


def test_a_room_can_be_removed_and_the_rest_still_works(tmp_path: Path) -> None:
    """Every module that is left can be imported, and a project that asks for the room is told that there is none."""
    vendor = VENDORS[0]
    copy = tmp_path / "house" / "careloom"
    shutil.copytree(HOUSE, copy, ignore=shutil.ignore_patterns("__pycache__", vendor))
    table = copy / "systems" / "__init__.py"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(line for line in lines if f".{vendor}." not in line), encoding="utf-8")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "careloom.yaml").write_text(
        f'project: small\ntimezone: UTC\nsystems:\n  files: {{kind: sql, url: "csv://data"}}\n  crm: {{kind: {vendor}}}\n'
    )
    modules = [".".join(path.relative_to(copy.parent).with_suffix("").parts) for path in copy.rglob("*.py")]
    process = subprocess.run(
        [sys.executable, "-c", LOOK_THROUGH, vendor, str(tmp_path / "project")],
        input=" ".join(name.removesuffix(".__init__") for name in modules if not name.endswith("__main__")),
        env={**os.environ, "PYTHONPATH": str(copy.parent)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.stdout.splitlines()[-1:] == ["[0, 0, 2, 3]"], process.stderr
    assert f"careloom.yaml:5:15: there is no kind of system `{vendor}`" in process.stderr
    assert vendor not in process.stdout


def test_imports_run_one_way() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    if not lint.exists():
        pytest.skip("import-linter is not installed beside this Python")
    process = subprocess.run([str(lint), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout
    assert "0 broken" in process.stdout


# ---------------------------------------------------------------- sizes


def test_no_file_is_longer_than_a_person_reads() -> None:
    counts_by_path = {
        path: len(text.splitlines()) for path, text in sources().items() if path.suffix in {".py", ".sql"}
    }
    assert not {str(path): lines for path, lines in counts_by_path.items() if lines > MOST_LINES}


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{path}:{function.name}": lines
        for path, tree in trees().items()
        for function in functions(tree)
        if function.end_lineno and (lines := function.end_lineno - function.lineno + 1) > MOST_FUNCTION_LINES
    }
    assert not long


def test_only_optional_dependencies_are_imported_inside_functions() -> None:
    hidden_lines = {
        f"{path}:{node.lineno}"
        for path, tree in trees().items()
        for function in functions(tree)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and OPTIONAL not in sources()[path].splitlines()[node.lineno - 1]
    }
    assert not hidden_lines


# ---------------------------------------------------------------- nothing of the place where it was built


def test_locks_name_no_place_to_fetch_from() -> None:
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert locks
    for lock in locks:
        assert not re.findall(r"https?:|--(?:extra-)?index-url|--find-links|-f\s", lock.read_text(encoding="utf-8"))


def test_no_file_names_a_folder_of_one_machine() -> None:
    named = []
    for path in tracked_files():
        if (ROOT / "tests") in path.parents:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        named += [f"{path.relative_to(ROOT)}: {match.group()}" for match in MACHINE_PATH.finditer(text)]
    assert not named


# ---------------------------------------------------------------- doors


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\nfrom careloom.cli.main import main\ntry:\n    main(['--help'])\nexcept SystemExit as end:\n"
        "    assert not end.code\nprint(*sorted(sys.modules), file=sys.stderr)"
    )
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "Weave a care organisation" in process.stdout
    assert not {"duckdb", "pyarrow", "pydantic", "psycopg", "sqlglot"} & set(process.stderr.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_module_and_tells_how_it_is_used(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(import_module(f"careloom.cli.{name}").command)
    with pytest.raises(SystemExit) as end:
        loaded(name).main(["--help"], prog_name=f"careloom {name}")
    assert end.value.code == 0
    output = capsys.readouterr().out
    assert f"Usage: careloom {name}" in output
    assert COMMANDS[name].split(";")[0].split(".")[0][:40] in " ".join(output.split())
