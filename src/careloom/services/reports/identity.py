"""Whether what came is the report that was asked for. Learnt from the first file, and never from a wrong one if columns are declared."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from careloom.core.errors import Hold
from careloom.engine.reports.columns import looks_like

_SHOWN = 5


def check_columns(
    name: str,
    header: Sequence[str],
    *,
    required_columns: Collection[str],
    former: Sequence[str],
    types: Mapping[str, str],
) -> None:
    """Hold: column-missing, one-column, another-report. `former`: the columns of the last files; `types`: as they are pinned.

    Words of the file are not repeated: a file without a header has a person's values where its header should be.
    """
    begin_anew = f"where the report has changed: careloom reports {name} --start-over"
    missing = [column for column in required_columns if column not in header]
    if missing:
        raise Hold(
            "column-missing",
            f"what came has {len(header)} columns and {len(required_columns) - len(missing)} of the {len(required_columns)} that `columns:` "
            f"names; it lacks {_list_columns(missing)}. Compare `report:` and `filter:` with the system's own numbers; where the "
            "report has no such column, take it out of `columns:`",
        )
    if former and not looks_like(former, header):
        shared_count = len(set(former) & set(header))
        raise Hold(
            "another-report",
            f"what came has {shared_count} of the {len(former)} columns that the report {name!r} had, so it is another one; compare "
            f"`report:` and `filter:` with the system's own numbers; {begin_anew}",
        )
    money = [column for column in former if types.get(column) == "numeric" and column not in header]
    if money:
        raise Hold("column-missing", f"what came lacks {_list_columns(money)}, which held amounts; {begin_anew}")
    if not former and not required_columns and len(header) == 1:
        raise Hold(
            "one-column",
            "what came has one column: perhaps it is another kind of file, or its cells are divided by something unknown; "
            "where that is right, name the column in `columns:`",
        )


def _list_columns(columns: Sequence[str]) -> str:
    suffix = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
    return ", ".join(columns[:_SHOWN]) + suffix
