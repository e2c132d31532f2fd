"""Holds a file against its schema, and words what pydantic finds as faults at their places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from careloom.core.errors import Fault
from careloom.project.nearest import list_names, suggestion
from careloom.project.nodes import Step, YamlNode
from careloom.project.schema import COLUMN

M = TypeVar("M", bound=BaseModel)
_PATTERNS = {"project": "name", "sync": "name", "to": "mail", "from": "mail", "smtp": "smtp", "database": "database"}
_PATTERN_WORDS = {
    "name": ("is no name", "use small letters, digits, `-` and `_`, beginning with a letter"),
    "mail": ("is no mail address", "write it like `ops@example.org`"),
    "column": (
        "is no name of a table or a column",
        "use small letters, digits and `_`, beginning with a letter; 53 at most",
    ),
    "database": (
        "is no address of a database",
        "write `secret:NAME`, or `postgresql://HOST:5432/DATABASE` without a password",
    ),
    "smtp": ("is no mail server", "write `smtp://HOST:PORT`, `smtps://HOST:PORT` or `secret:NAME`"),
}


def validate(model: type[M], root: YamlNode, prefix: tuple[Step, ...] = ()) -> tuple[M | None, list[Fault]]:
    """The value under `prefix` as an instance of `model`, or every fault that prevents it."""
    try:
        return model.model_validate(root.at(*prefix).plain()), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    faults: dict[tuple[object, ...], Fault] = {}
    for detail in details:
        fault = _fault(model, root, prefix, detail)
        faults.setdefault((fault.line, fault.column, fault.code), fault)
    return None, list(faults.values())


def _path(root: YamlNode, prefix: tuple[Step, ...], loc: tuple[Step, ...]) -> tuple[Step, ...]:
    """`loc` without the steps that pydantic adds for unions and the like: those that the file does not have."""
    path, node = list(prefix), root.at(*prefix)
    for number, step in enumerate(loc):
        below = node.child(step)
        if below is not None:
            path.append(step)
            node = below
        elif number == len(loc) - 1:
            path.append(step)
    return tuple(path)


def _fault(model: type[BaseModel], root: YamlNode, prefix: tuple[Step, ...], error: Mapping[str, Any]) -> Fault:
    kind, context = str(error["type"]), error.get("ctx", {})
    loc = tuple(step for step in error["loc"] if step != "[key]")
    path = _path(root, prefix, loc)
    last = str(path[-1]) if path else "the file"
    subject = f"`{last}`" if path and isinstance(path[-1], str) else "this entry"
    if kind == "extra_forbidden":
        keys = _keys(model, loc[:-1])
        fix = suggestion(last, keys, f"remove it; known are {list_names(keys)}")
        return root.key_place(*path).fault("unknown-key", f"unknown key `{last}`", fix)
    if kind == "missing":
        return root.place_of(*path[:-1]).fault("missing-key", f"`{last}` is missing", f"add `{last}:`")
    if root.at(*path).text is None and root.at(*path).kind == "text":
        return root.key_place(*path).fault("no-value", f"{subject} has no value", "write one, or remove the key")
    if "[key]" in error["loc"]:
        cause, fix = _PATTERN_WORDS["column" if context.get("pattern") == COLUMN else "name"]
        return root.key_place(*path).fault("name", f"{subject} {cause}", fix)
    if "fix" in context:
        return root.place_of(*path).fault(kind, str(context["cause"]), str(context["fix"]))
    cause, fix = _wording(kind, last, subject, context, str(error["msg"]))
    return root.place_of(*path).fault("wrong-type" if "pattern" not in kind else "wrong-form", cause, fix)


def _wording(kind: str, last: str, subject: str, context: Mapping[str, Any], message: str) -> tuple[str, str]:  # noqa: PLR0911
    if kind in {"literal_error", "enum"}:
        return (
            f"{subject} has a value that is not known",
            f"write one of {str(context.get('expected', '')).replace(chr(39), '`')}",
        )
    if kind == "string_type":
        return f"{subject} must be a text", "write one text here"
    if kind == "string_pattern_mismatch":
        words = "column" if context.get("pattern") == COLUMN else "mail" if last.isdigit() else "name"
        cause, fix = _PATTERN_WORDS[_PATTERNS.get(last, words) if words != "column" else words]
        return f"{subject} {cause}", fix
    if kind in {"dict_type", "model_type", "model_attributes_type"}:
        return f"{subject} must be keys with values", "write `key: value` lines below it"
    if kind == "list_type":
        return f"{subject} must be a list", "write `[a, b]`, or lines that begin with `-`"
    if kind in {"too_short", "string_too_short"}:
        return f"{subject} is empty", "write at least one"
    if kind.startswith(("int_", "float_", "decimal_")):
        return f"{subject} must be a number", "write digits"
    if kind.startswith("bool_"):
        return f"{subject} must be yes or no", "write `true` or `false`"
    if kind == "value_error":
        return f"{subject}: {message.removeprefix('Value error, ')}", "correct the value"
    return f"{subject}: {message[:1].lower()}{message[1:]}", "correct the value"


def _keys(model: type[BaseModel], loc: tuple[Step, ...]) -> list[str]:
    """The keys that may stand at `loc` of `model`."""
    annotation: Any = model
    for step in loc:
        models = _models(annotation)
        if get_origin(_bare(annotation)) in {dict, list}:
            annotation = get_args(_bare(annotation))[-1]
        elif models:
            fields = {(field.alias or name): field for name, field in models[0].model_fields.items()}
            annotation = fields[str(step)].annotation if str(step) in fields else None
    return sorted({(field.alias or name) for part in _models(annotation) for name, field in part.model_fields.items()})


def _bare(annotation: Any) -> Any:
    """`annotation` without `Annotated` and without `| None`."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    inner = [argument for argument in get_args(annotation) if argument is not type(None)]
    return _bare(inner[0]) if type(None) in get_args(annotation) and len(inner) == 1 else annotation


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models inside an annotation such as `list[Model]` or `Model | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]
