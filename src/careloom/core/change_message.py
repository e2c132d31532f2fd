"""A change event as others receive it, whatever carries it."""

from __future__ import annotations

from typing import Any

from careloom.core.publishers import ChangeEvent


def as_message(event: ChangeEvent) -> dict[str, Any]:
    """table, operation, record_id, the vendor's id under its own name (a number where it is one), timestamp (ISO 8601)."""
    plain = event.vendor_id.isascii() and event.vendor_id.isdecimal() and str(int(event.vendor_id)) == event.vendor_id
    return {
        "table": event.table,
        "operation": event.operation,
        "record_id": event.record_id,
        event.vendor_key: int(event.vendor_id) if plain else event.vendor_id,
        "timestamp": event.timestamp.isoformat(),
    }
