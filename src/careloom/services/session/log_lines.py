"""Log lines as structlog writes them: JSON that Google Cloud Logging reads, but words on a terminal."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

from careloom.services.session.settings import Settings

_SEVERITY = {"warning": "WARNING", "error": "ERROR", "critical": "CRITICAL", "debug": "DEBUG", "info": "INFO"}


def configure(settings: Settings, least: int) -> None:
    """Send lines from the severity `least` up to standard error.

    `severity`, `message` and the trace field are the names that Cloud Logging gives meaning to; `event` is our stable key.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.TimeStamper(fmt="iso", key="time"),
            _cloud_fields(settings),
            _plain if sys.stderr.isatty() else structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=_standard_error,
        cache_logger_on_first_use=False,
    )


def _standard_error(*_names: object) -> structlog.PrintLogger:
    # What it is now, not what it was when the logs were set up: a line to a stream that was closed since ends the run.
    return structlog.PrintLogger(sys.stderr)


def _cloud_fields(settings: Settings) -> structlog.typing.Processor:
    project = settings.environment.get("GOOGLE_CLOUD_PROJECT", "")

    def rename(_logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["severity"] = _SEVERITY.get(method, "DEFAULT")
        if "message" not in event:  # a line of a library: its text is all that it has
            event["message"] = event.pop("event", "")
        if settings.env:
            event["environment"] = settings.env
        if settings.trace:
            trace = f"projects/{project}/traces/{settings.trace}" if project else settings.trace
            event["logging.googleapis.com/trace"] = trace
        # What an exception says may quote the data that it failed on.
        event.pop("exc_info", None)
        return event

    return rename


def _plain(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """One line for a person who looks on: the sentence, without the key."""
    event.pop("event", None)
    fields = {name: event.pop(name, "") for name in ("time", "severity", "message", "logging.googleapis.com/trace")}
    extras = ", ".join(f"{name} {value}" for name, value in event.items())
    return f"{fields['severity'].lower()}: {fields['message']}{f' ({extras})' if extras else ''}"


def _dumps(value: Any, **_options: Any) -> str:
    return orjson.dumps(value, default=str).decode()
