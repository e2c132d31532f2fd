"""JSON from outside, read so that two readers cannot understand it differently and the store can keep all of it."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from careloom.core.errors import Hold

DEPTH = 64
_LARGEST = 2**63
# What must be looked at one by one: integers beyond 64 bits, and exponents large enough to leave a double's range.
_ODD_NUMBER = re.compile(r"\d{19}|\d[eE][+-]?\d{2}")
_DIGITS = 19


def strict_json(body: bytes, *, depth: int = DEPTH) -> Any:
    """The value of a JSON text; Hold otherwise, with a code and no values in its message.

    Codes: not-utf8 (lone surrogates too), bad-json, too-deep, duplicate-key, bad-number (NaN, Infinity, beyond 64 bits or a
    double's range), nul-character.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Hold("not-utf8", "the text is not UTF-8") from None
    value = _parse(text)
    if "\\u" in text:
        _check_texts(value)
    if text.count("[") + text.count("{") > depth:
        _check_depth(value, depth)
    return value


def _parse(text: str) -> Any:
    try:
        if _ODD_NUMBER.search(text) is None:
            return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
        return json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_number, parse_int=_integer, parse_float=_double
        )
    except RecursionError:
        raise Hold("too-deep", "the JSON is nested too deeply") from None
    except ValueError:
        raise Hold("bad-json", "the text is not JSON") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise Hold("duplicate-key", "an object of the JSON names one key twice")
    return names


def _no_number(_: str) -> NoReturn:
    raise Hold("bad-number", "the JSON holds NaN or Infinity")


def _integer(digits: str) -> int:
    # The length first: turning thousands of digits into a number takes quadratic time.
    if len(digits) <= _DIGITS + 1 and -_LARGEST <= (number := int(digits)) < _LARGEST:
        return number
    raise Hold("bad-number", "the JSON holds an integer beyond 64 bits")


def _double(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise Hold("bad-number", "the JSON holds a number beyond a double's range")
    return number


def _check_texts(value: Any) -> None:
    """Escapes can spell what PostgreSQL cannot keep: NUL, and halves of a surrogate pair."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += part.keys()
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
        elif isinstance(part, str):
            if "\0" in part:
                raise Hold("nul-character", "a text of the JSON holds the character NUL")
            if not part.isascii() and any("\ud800" <= letter <= "\udfff" for letter in part):
                raise Hold("not-utf8", "a text of the JSON holds half a character")


def _check_depth(value: Any, depth: int) -> None:
    level = [value]
    for _ in range(depth):
        level = [
            inner
            for part in level
            if isinstance(part, dict | list)
            for inner in (part.values() if isinstance(part, dict) else part)
        ]
    if any(isinstance(part, dict | list) for part in level):
        raise Hold("too-deep", f"the JSON is nested more than {depth} deep")
