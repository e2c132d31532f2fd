"""CollaborateMD's room keeps what every room promises."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from careloom.systems.collaboratemd.room import ROOM
from careloom.systems.collaboratemd.simulator import RunningCollaborateMD
from careloom.vendor_kit.testing.case import context_of
from careloom.vendor_kit.testing.gateway import Gateway
from careloom.vendor_kit.testing.reports import ReportsCase, ReportsContract
from systems.collaboratemd.fake_billing import TODAY, wanted

PASSWORD = "sim-password"


@pytest.fixture(scope="module")
def service() -> Iterator[RunningCollaborateMD]:
    with RunningCollaborateMD("--running-seconds", "0", "--rows", "20", "--today", TODAY) as running:
        yield running


class TestReports(ReportsContract):
    kind = "collaboratemd"

    @pytest.fixture(scope="class", params=["json", "xml"])
    @classmethod
    def case(
        cls,
        service: RunningCollaborateMD,
        request: pytest.FixtureRequest,
        tmp_path_factory: pytest.TempPathFactory,
    ) -> Iterator[ReportsCase]:
        waits: list[float] = []
        private_texts = [PASSWORD, "wrong-password"]

        def opened(password: str = PASSWORD):
            values = {"base_url": gateway.url, "username": "sim-user", "password": password, "format": request.param}
            return ROOM.reports(ROOM.options.model_validate(values), context_of(waits))

        with Gateway(service.url) as gateway:
            case = ReportsCase(
                gateway=gateway,
                opened=opened,
                wrong=lambda: opened("wrong-password"),
                ask=wanted("ar_aging"),
                emptied=lambda: service.control("reset"),
                runs=lambda: len(service.control("runs")),
                busy=lambda seconds: service.control("settings", running_seconds=seconds),
                private_texts=private_texts,
                waits=waits,
            )
            private_texts.extend(names_in(case.fetched(tmp_path_factory.mktemp("first")).files))
            yield case


def names_in(files: tuple[Path, ...]) -> list[str]:
    """Texts of people in the report: longer words, which no message holds by chance."""
    cells = [
        cell for file in files for row in list(csv.reader(file.read_text("utf-8").splitlines()))[1:] for cell in row
    ]
    return [cell for cell in cells if len(cell) > 9]
