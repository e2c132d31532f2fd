"""Every number that a command takes has a least and a most, and what is none is a matter of usage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from careloom.cli.main import COMMANDS, loaded, main, verbs


def numbers() -> Iterator[Any]:
    for name in COMMANDS:
        for verb, command in verbs(loaded(name)).items():
            words = [word for word in (name, verb) if word]
            given = [str(one.name) for one in command.params if one.param_type_name == "argument" and one.required]
            for option in command.params:
                if is_number(option):
                    yield pytest.param(words, given, option, id=f"{' '.join(words)} {option.opts[0]}")


def is_number(option: Any) -> bool:
    described = getattr(option, "type_descriptor", None)
    return option.param_type_name == "option" and described is not None and described.annotation in (int, float)


@pytest.mark.parametrize(("words", "given", "option"), list(numbers()))
def test_a_number_out_of_its_bounds_is_refused(
    words: list[str], given: list[str], option: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong in ("-1000000000000", "10" * 30, "nan", "inf", "-inf", "many", "1e999", ""):
        with pytest.raises(SystemExit) as end:
            main([*words, *given, f"{option.opts[0]}={wrong}"])
        told = capsys.readouterr().err
        assert end.value.code == 2, (wrong, told)
        assert "Input should" not in told
        assert "bug" not in told
