"""A failure as JSON, for those who asked for JSON: the same shape for every command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from careloom.core.errors import CareloomError, Fault, ProjectFault


def failure(code: str, message: str, exit_code: int, faults: Sequence[Fault] = ()) -> dict[str, Any]:
    """What `--json` prints of a failure; `faults` are the mistakes in the project's files, each with its place."""
    content: dict[str, Any] = {"code": code, "message": message, "exit_code": exit_code}
    if faults:
        content["faults"] = [fault_as_json(fault) for fault in faults]
    return content


def failure_of(error: CareloomError) -> dict[str, Any]:
    """The same of an error of ours."""
    faults = error.faults if isinstance(error, ProjectFault) else ()
    message = f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'} in the project" if faults else str(error)
    return failure(error.kind, message, error.exit_code, faults)


def fault_as_json(fault: Fault) -> Mapping[str, Any]:
    """A fault's place, cause and fix."""
    return {
        "file": fault.file,
        "line": fault.line,
        "column": fault.column,
        "code": fault.code,
        "cause": fault.cause,
        "fix": fault.fix,
    }
