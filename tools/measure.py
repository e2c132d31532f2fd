"""The house in numbers, for those who change it: `make measure`. A mirror to work with, and no gate.

python tools/measure.py [FOLDER]     FOLDER: another tree to measure beside ours (only words and sizes)
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "careloom"
TESTS = ROOT / "tests"

# Words that stand for a thing instead of naming it: pronouns, and prepositions and adverbs used as nouns.
PRONOUNS = """
all another any anything at before behind beside both by each either else everything for from given here how
in it its later mine more most much neither nobody none nothing of off on one ones onto other others our ours
out over own rest same some something still such that their theirs them then there these they this those to
under what whatever which who whole whom whose with within without yours
"""
# Participles that end otherwise than in -ed.
IRREGULAR = """
begun born bought bound broken brought built caught chosen come cut done drawing drawn driven fallen felt
found given gone got grown heard held hidden kept known laid lain led left lent lost made meant met paid ready
risen said seen sent shown shut spent split spoken stood sung sworn taken taught thought thrown told torn
understood woken won worn woven written
"""
NOUNS = "bed embed exceed feed need red seed speed"


def names_bound(tree: ast.AST) -> Iterator[str]:
    """Each name that a parameter, an assignment, a loop, a `with` or an `except` binds."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


def is_pronoun(name: str) -> bool:
    """Whether a name is a pronoun or a participle: it says how the thing came about, and not what it is."""
    word = name.strip("_")  # a constant in capitals names a state
    if word in PRONOUNS.split() or word in IRREGULAR.split():
        return True
    return re.fullmatch(r"[a-z]+ed", word) is not None and word not in NOUNS.split()


def words(folder: Path) -> tuple[Counter[str], int, dict[str, Counter[str]]]:
    """The pronoun names below `folder`, how many names there are, and the same for each file."""
    pronouns: Counter[str] = Counter()
    total, files = 0, {}
    for file in sorted(folder.rglob("*.py")):
        names = [name for name in names_bound(ast.parse(file.read_text(encoding="utf-8"))) if not name.startswith("__")]
        counts = Counter(name for name in names if is_pronoun(name))
        total += len(names)
        pronouns += counts
        files[str(file.relative_to(folder))] = counts
    return pronouns, total, files


def share_of(pronouns: Counter[str], total: int) -> str:
    return f"{pronouns.total()} of {total} ({100 * pronouns.total() / total:.1f} %)"


def sizes(folder: Path) -> str:
    """Lines of files and functions: median, nine tenths, largest."""
    files, functions = [], []
    for file in folder.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        files.append(text.count("\n"))
        definitions = [
            node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        functions += [(node.end_lineno or node.lineno) - node.lineno + 1 for node in definitions]
    return f"{sum(files)} lines; files {spread(files)}; functions {spread(functions)}"


def spread(numbers: list[int]) -> str:
    return f"{median(numbers):.0f}/{quantiles(numbers, n=10)[8]:.0f}/{max(numbers)}"


def class_names_twice(folder: Path) -> dict[str, list[str]]:
    """Class names, underscore ignored, that more than one module outside the vendors' rooms has."""
    homes: dict[str, set[str]] = defaultdict(set)
    for file in folder.rglob("*.py"):
        place = file.relative_to(folder)
        if place.parts[0] == "systems":
            continue
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                homes[node.name.strip("_")].add(str(place))
    return {name: sorted(places) for name, places in sorted(homes.items()) if len(places) > 1}


def imports(folder: Path) -> dict[str, set[str]]:
    """Which module imports which, those under TYPE_CHECKING too."""
    modules = {module_name(file, folder): file for file in folder.rglob("*.py")}
    edges: dict[str, set[str]] = {}
    for module, file in modules.items():
        edges[module] = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                for name in node.names:
                    target = f"{node.module}.{name.name}"
                    edges[module].add(target if target in modules else node.module)
        edges[module] = {target for target in edges[module] if target in modules and target != module}
    return edges


def module_name(file: Path, folder: Path) -> str:
    parts = (folder.name, *file.relative_to(folder).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for target in edges[module]:
            if target not in index:
                visit(target)
            if target in stack:
                low[module] = min(low[module], low[target])
        if low[module] == index[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1:
                groups.append(sorted(group))

    sys.setrecursionlimit(10_000)
    for module in sorted(edges):
        if module not in index:
            visit(module)
    return groups


def boxes(edges: dict[str, set[str]], package: str) -> set[tuple[str, str]]:
    """The arrows between the parts of a package."""
    arrows = set()
    for module, targets in edges.items():
        for target in targets:
            ends = [
                name.removeprefix(f"{package}.").split(".")[0] for name in (module, target) if f"{package}." in name
            ]
            if len(ends) == 2 and ends[0] != ends[1]:
                arrows.add((ends[0], ends[1]))
    return arrows


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCE
    pronouns, total, files = words(folder)
    print(sizes(folder))
    print(f"pronoun names: {share_of(pronouns, total)}")
    print("  most: " + ", ".join(f"{name} {count}" for name, count in pronouns.most_common(30)))
    for name in sorted({name.split("/")[0] for name in files}):
        part = [counts.total() for file, counts in files.items() if file.split("/")[0] == name]
        if sum(part):
            print(f"  {name}: {sum(part)}")
    if folder == SOURCE:
        pronouns, total, _ = words(TESTS)
        print(f"pronoun names in tests: {share_of(pronouns, total)}")
        print("  most: " + ", ".join(f"{name} {count}" for name, count in pronouns.most_common(30)))
    gerunds = sorted(str(file.relative_to(folder)) for file in folder.rglob("*ing.py"))
    print(f"modules in -ing: {len(gerunds)} {' '.join(gerunds)}")
    twice = class_names_twice(folder)
    print(f"class names that stand twice outside rooms: {len(twice)}")
    for name, places in twice.items():
        print(f"  {name}: {' '.join(places)}")
    if folder == SOURCE:
        edges = imports(folder)
        print(f"circles of imports: {len(circles(edges))}")
        for group in circles(edges):
            print("  " + " ".join(group))
        arrows = boxes(edges, "careloom.services")
        print(f"services: {len({end for arrow in arrows for end in arrow})} boxes, {len(arrows)} arrows")


if __name__ == "__main__":
    main()
