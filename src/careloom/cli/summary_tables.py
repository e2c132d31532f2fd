"""Reports and held records as a data engineer reads them: the verdict first, then numbers, then reasons."""

from __future__ import annotations

from collections.abc import Mapping

from careloom.cli import rich_output
from careloom.cli.console import many, printer
from careloom.services.review import decide
from careloom.services.sync import summary as run_report

_WORDS = {
    "create": ("to create", "created"),
    "update": ("to update", "updated"),
    "same": ("the same", "the same"),
    "held": ("to hold", "held"),
    "conflict": ("in conflict", "in conflict"),
    "archive": ("to archive", "archived"),
    "later": ("left for later", "left for later"),
}


_SHOWN = 8
"""How many properties of an example are shown."""


def show_report(report: run_report.RunSummary, *, is_plan: bool) -> None:
    """One plan or run."""
    printer.print()
    printer.print(_headline(report, is_plan=is_plan), markup=True)
    if report.lacking:
        printer.print(
            f"  {'will be created' if is_plan else 'created'} first: {', '.join(report.lacking)}", markup=False
        )
    printer.print("  " + _counts(report, is_plan=is_plan), markup=False)
    if is_plan:
        _show_properties(report)
    _show_pairs("linked or made by rule", report.rules)
    _show_pairs("unique value held by another record, so it goes to", report.rerouted)
    _show_pairs("associations", report.associations)
    _show_reasons(report)
    for example in report.examples:
        printer.print(f"  e.g. {example.kind} {example.key} [{example.rule}]: {_shorten(example.values)}", markup=False)
    for note in report.notes:
        printer.print(f"  note: {note}", markup=False)


def _shorten(values: Mapping[str, str]) -> str:
    texts = [f"{prop}={value}" for prop, value in list(values.items())[:_SHOWN]]
    hidden_count = len(values) - len(texts)
    return ", ".join(texts) + (f" and {hidden_count} more" if hidden_count else "")


def _headline(report: run_report.RunSummary, *, is_plan: bool) -> str:
    cost = f"{many(report.requests, 'request')}, {report.seconds:.1f} s"
    place = f" in {report.environment}" if report.environment else ""
    if is_plan:
        verdict = "nothing to do" if report.empty else "this would happen"
        return f"[bold]plan {report.plan} of {report.sync}{place}[/bold]: {verdict} ({cost})"
    colour = {"done": "green", "interrupted": "yellow"}.get(report.state, "red")
    balance = "balanced" if report.balanced else "[red]UNBALANCED[/red]"
    return f"[bold]run {report.run} of {report.sync}{place}[/bold]: [{colour}]{report.state}[/{colour}], {balance} ({cost})"


def _counts(report: run_report.RunSummary, *, is_plan: bool) -> str:
    parts = [
        f"{number:,} {_WORDS[kind][0 if is_plan else 1]}"
        for kind, number in report.counts.items()
        if kind in _WORDS and number
    ]
    return f"{many(report.counts['read'], 'row')} read = " + (" + ".join(parts) or "nothing")


def _show_properties(report: run_report.RunSummary) -> None:
    if not report.properties:
        return
    table = rich_output.Table(
        "  property", "filled", "replaced", "cleared", "conflict", "leaves as", box=None, padding=(0, 2, 0, 0)
    )
    for change in report.properties:
        numbers = [
            f"{number:,}" if number else "" for number in (change.fill, change.replace, change.clear, change.conflict)
        ]
        table.add_row(f"  {change.property}", *numbers, report.leaves.get(change.property, ""))
    printer.print(table)


def _show_pairs(title: str, pairs: object) -> None:
    if isinstance(pairs, dict) and any(pairs.values()):
        printer.print(
            f"  {title}: " + ", ".join(f"{name} {number:,}" for name, number in pairs.items() if number), markup=False
        )


def _show_reasons(report: run_report.RunSummary) -> None:
    if not report.reasons:
        return
    printer.print("  held:")
    for reason in report.reasons:
        prop = f" ({reason.property})" if reason.property else ""
        printer.print(f"    {reason.records:>6,}  {reason.code}{prop}: {reason.text}", markup=False)


def show_held(item: decide.HeldItem) -> None:
    """One held record and its candidates."""
    where = f" ({item.property})" if item.property else ""
    printer.print(f"{item.sync}/{item.key}: {item.code}{where}: {item.text} {item.message}".rstrip(), markup=False)
    if item.source:
        printer.print(f"    the source says: {_values(item.source)}", markup=False)
    for candidate in item.candidates:
        evidence = "; ".join(candidate.evidence)
        printer.print(f"    record {candidate.remote_id} [{candidate.rule}] {evidence}", markup=False)
        if candidate.values:
            printer.print(f"        {_values(candidate.values)}", markup=False)


def _values(values: Mapping[str, str | None]) -> str:
    return ", ".join(f"{prop}={value}" for prop, value in values.items() if value)
