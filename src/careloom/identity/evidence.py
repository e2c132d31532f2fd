"""The parts of the static SQL that the comparisons, rules and vetoes of a spec write."""

from __future__ import annotations

import re

from careloom.identity.columns import MatchSpec
from careloom.identity.comparisons import own_values
from careloom.identity.normal import statement

_MARK = re.compile(r"\{(\w+)\}")


def statement_for(spec: MatchSpec, name: str) -> str:
    """identity/sql/NAME.sql with its marks, words in braces, filled in."""
    parts = _parts(spec)
    return _MARK.sub(lambda mark: parts[mark[1]], statement(name))


def _parts(spec: MatchSpec) -> dict[str, str]:
    """Each ends, or begins, with a comma where others stand beside it."""
    comparisons, value_comparisons = spec.comparisons, own_values(spec.comparisons)
    return {
        "own_normal_forms": "".join(
            f", list_transform([r.{comparison.role}], lambda v: {comparison.normal})[1] AS {comparison.role}"
            for comparison in value_comparisons
        ),
        "own_columns": "".join(f", r.{comparison.role}" for comparison in value_comparisons),
        "without_shared_values": "\n".join(
            _without_shared(comparison.role, comparison.limit) for comparison in value_comparisons
        ),
        "compared": "".join(f"{comparison.sql} AS {comparison.name}, " for comparison in comparisons if comparison.sql),
        "evidence": ", ".join(comparison.name for comparison in comparisons),
        "no_evidence": ", ".join(f"NULL::{comparison.sql_type} AS {comparison.name}" for comparison in comparisons),
        "rules": "\n    ".join(f"WHEN {rule.when} THEN '{code}'" for code, rule in spec.rules.items() if rule.when),
        "vetoes": "\n           ".join(f"WHEN {veto.when} THEN '{veto.reason}'" for veto in spec.vetoes),
    }


def _without_shared(column: str, limit: int) -> str:
    return (
        f"UPDATE match_record SET {column} = NULL WHERE {column} IN (SELECT {column} FROM match_record"
        f" WHERE {column} IS NOT NULL GROUP BY {column} HAVING count(*) > {limit});"
    )
