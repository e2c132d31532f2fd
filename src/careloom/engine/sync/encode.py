"""One field on its way: the SQL that turns a source expression into the target's text, or says why it cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from careloom.core.schema import PLAIN, PropertyType, TextForm
from careloom.engine.sql_text import name, text, texts

Otherwise = Literal["keep", "hold", "null"]
Owner = Literal["source", "destination"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedField:
    """A mapped field, made ready: `expression` is DuckDB SQL over the source's columns.

    `format` is a strptime pattern for dates that the source keeps as text. `values` maps source values to target
    values; `otherwise` says what becomes of a value that is not among them. `unique`: only one record may hold a value,
    and `when_taken` receives it when another record does. `form`: the destination's.
    """

    property: str
    expression: str
    type: PropertyType
    format: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    otherwise: Otherwise = "hold"
    options: Sequence[str] = ()
    multiple: bool = False
    max_length: int | None = None
    unique: bool = False
    lowercase: bool = False
    when_taken: str | None = None
    owner: Owner | None = None
    form: TextForm = PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """SQL for a field's text (NULL when empty) and for its fault (NULL when there is none).

    The fault speaks of the text by the name that `made` gives it, so that a row's text is made once and not again in each
    arm of a CASE.
    """

    value: str
    fault: str | None


FAULTS: Mapping[str, str] = {
    "null-key": "the source key is empty",
    "duplicate-key": "several source rows have this key, or keys that differ only by case",
    "key-too-long": "the source key is longer than 500 characters",
    "not-a-number": "the value is not a number",
    "not-a-date": "the value is not a date; ISO dates are read as they are, others need `format:`",
    "not-a-time": "the value is not a date and time",
    "not-a-bool": "the value is neither true nor false",
    "not-in-values": "the value is not among the field's `values:`",
    "invalid-option": "the value is not an option of the property",
    "too-long": "the text is longer than the property admits",
    "nul-character": "the text contains a NUL character",
    "missing-required": "the destination requires this property and the source has no value",
}
"""What stops a row at the source, for people. No text here or elsewhere quotes the row."""


def encode(field: EncodedField, column: str, column_type: str, zone: str) -> Encoded:  # noqa: PLR0911 one arm a type
    """SQL over the column that holds the field's expression, of DuckDB type `column_type`; `zone` is the project's."""
    raw = name(column)
    if field.values:
        return _mapped(field, raw)
    match field.type:
        case "number":
            return _read(field, f"wire_number({raw})", raw, "not-a-number")
        case "bool":
            return _read(
                field, f"wire_bool({raw}, {text(field.form.true)}, {text(field.form.false)})", raw, "not-a-bool"
            )
        case "date":
            return _read(field, _day(raw, column_type, zone, field.format), raw, "not-a-date")
        case "datetime":
            return _read(field, _moment(raw, column_type, zone, field), raw, "not-a-time")
        case "enumeration":
            return _option(field, _listed(raw, column_type, field.form))
        case "string":
            return _string(field, _listed(raw, column_type, field.form))


def encoded_column(property_name: str) -> str:
    """The column in which a field's text stands while its fault is sought."""
    return name("=" + property_name)


def canonical(kind: PropertyType, raw: str, *, multiple: bool = False, form: TextForm = PLAIN) -> str:
    """SQL for what a remote system answered, in the spelling that `wire` gives, so that the two compare."""
    match kind:
        case "number":
            return f"coalesce(wire_number({raw}), {raw})"
        case "bool":
            return f"coalesce(wire_bool({raw}, {text(form.true)}, {text(form.false)}), {raw})"
        case "date":
            return f"read_day({raw})"
        case "datetime":
            return f"read_moment({raw}, {text(form.moment)})"
        case "enumeration" if multiple:
            return f"ordered_options({raw}, {text(form.list_separator)})"
        case _:
            return raw


def _read(field: EncodedField, value: str, raw: str, code: str) -> Encoded:
    fault = f"case when {encoded_column(field.property)} is null and not blank({raw}) then {text(code)} end"
    return Encoded(value=value, fault=fault)


def _listed(raw: str, column_type: str, form: TextForm) -> str:
    return f"array_to_string({raw}, {text(form.list_separator)})" if column_type.endswith("[]") else raw


def _day(raw: str, column_type: str, zone: str, pattern: str | None) -> str:
    if column_type == "DATE":
        return f"iso_day({raw})"
    if column_type.startswith("TIMESTAMP WITH TIME ZONE"):
        return f"iso_day(cast(timezone({text(zone)}, {raw}) as date))"
    if column_type.startswith("TIMESTAMP"):
        return f"iso_day(cast({raw} as date))"
    if pattern:
        return f"iso_day(cast(try_strptime(trim(cast({raw} as varchar)), {text(pattern)}) as date))"
    return f"text_day(cast({raw} as varchar))"


def _moment(raw: str, column_type: str, zone: str, field: EncodedField) -> str:
    form = text(field.form.moment)
    if column_type.startswith("TIMESTAMP WITH TIME ZONE"):
        return f"iso_moment({raw}, {form})"
    if column_type == "DATE" or column_type.startswith("TIMESTAMP"):
        return f"iso_moment(timezone({text(zone)}, cast({raw} as timestamp)), {form})"
    if field.format:
        moment = f"try_strptime(trim(cast({raw} as varchar)), {text(field.format)})"
        return f"iso_moment(timezone({text(zone)}, cast({moment} as timestamp)), {form})"
    return f"text_moment(cast({raw} as varchar), {text(zone)}, {form})"


def _mapped(field: EncodedField, raw: str) -> Encoded:
    key = f"trim(cast({raw} as varchar))"
    arms = " ".join(
        f"when {text(source_value)} then {text(target_value)}" for source_value, target_value in field.values.items()
    )
    default = {"keep": f"wire_string({raw})", "hold": "null", "null": "null"}[field.otherwise]
    value = f"case {key} {arms} else {default} end"
    refusals: list[str] = []
    if field.otherwise == "hold":
        is_key = f"list_contains({texts(field.values)}, {key})"
        refusals.append(f"when not blank({raw}) and not {is_key} then 'not-in-values'")
    if field.options and not field.multiple:
        target_text = encoded_column(field.property)
        refusals.append(
            f"when {target_text} is not null and not list_contains({texts(field.options)}, {target_text}) then 'invalid-option'"
        )
    return Encoded(value=value, fault=f"case {' '.join(refusals)} end" if refusals else None)


def _option(field: EncodedField, raw: str) -> Encoded:
    separator = text(field.form.list_separator)
    value = f"ordered_options(wire_string({raw}), {separator})" if field.multiple else f"trim(wire_string({raw}))"
    if not field.options:
        return Encoded(value=value, fault=None)
    options, target_text = texts(field.options), encoded_column(field.property)
    if field.multiple:
        is_option = f"list_has_all({options}, string_split({target_text}, {separator}))"
    else:
        is_option = f"list_contains({options}, {target_text})"
    return Encoded(
        value=value, fault=f"case when {target_text} is not null and not {is_option} then 'invalid-option' end"
    )


def _string(field: EncodedField, raw: str) -> Encoded:
    value = f"lower(trim(wire_string({raw})))" if field.lowercase else f"wire_string({raw})"
    target_text, limit = encoded_column(field.property), field.max_length
    # Characters are counted only where there are more bytes than characters may be.
    long = (
        f" when strlen({target_text}) > {limit} then case when length({target_text}) > {limit} then 'too-long' end"
        if limit
        else ""
    )
    return Encoded(value=value, fault=f"case when contains({target_text}, chr(0)) then 'nul-character'{long} end")
