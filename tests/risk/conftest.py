"""The folder in which commands of the risk tests run."""

from __future__ import annotations

from pathlib import Path

import pytest

from risk.risk_shell import DIAGNOSES, PEOPLE, Shell

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of one model run in one process where groups do (`--dist loadgroup`): its tables are made once."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
            continue
        model = item.callspec.params.get("model")
        if isinstance(model, str) and item.path.is_relative_to(HERE) and not list(item.iter_markers("xdist_group")):
            item.add_marker(pytest.mark.xdist_group(f"risk {model.replace('RxHCC', 'RX').replace(' ', '-')[:8]}"))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    new_shell = Shell(folder=tmp_path)
    new_shell.write("people.csv", PEOPLE)
    new_shell.write("dx.csv", DIAGNOSES)
    return new_shell
