"""drt-core, a program of others that writes into HubSpot, writes into the simulated portal; skipped where it is not installed.

It is in the dependency group `bench`. Its HubSpot address is a constant of its module, which these tests replace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from careloom.systems.hubspot.simulator import RunningSimulator
from systems.hubspot.simulator.api import Api

hubspot: Any = pytest.importorskip("drt.destinations.hubspot", reason="drt-core is not installed (group bench)")
models: Any = pytest.importorskip("drt.config.models", reason="drt-core is not installed (group bench)")

Load = Callable[..., Any]
ROWS = [{"email": f"p{number}@x.example", "lastname": f"L{number}"} for number in range(3)]


@pytest.fixture
def api() -> Iterator[Api]:
    with RunningSimulator("--tier", "unlimited") as running:
        yield Api(running)


@pytest.fixture
def load(api: Api, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.setattr(hubspot, "_HUBSPOT_API", f"{api.simulator.url}/crm/v3/objects")
    monkeypatch.setattr(hubspot, "_HUBSPOT_PROPERTIES_API", f"{api.simulator.url}/crm/v3/properties")
    monkeypatch.setenv("HUBSPOT_TOKEN", "pat-drt")
    auth = {"type": "bearer", "token_env": "HUBSPOT_TOKEN"}
    config = models.HubSpotDestinationConfig(type="hubspot", object_type="contacts", id_property="email", auth=auth)
    return lambda rows, **options: hubspot.HubSpotDestination().load(rows, config, models.SyncOptions(**options))


def test_drt_creates_contacts_and_changes_them_after_a_conflict(load: Load, api: Api) -> None:
    assert load(ROWS).success == 3
    assert load([{**row, "city": "Troy"} for row in ROWS]).success == 3
    results = api("GET", "/crm/v3/objects/contacts?properties=city").body["results"]
    assert [result["properties"]["city"] for result in results] == ["Troy"] * 3
    assert api.state()["statuses"]["409"] == 3


def test_drt_tells_the_row_that_is_refused(load: Load) -> None:
    result = load([*ROWS, {"email": "no mail", "lastname": "L"}])
    assert (result.success, result.failed, result.row_errors[0].http_status) == (3, 1, 400)
    assert "INVALID_EMAIL" in result.row_errors[0].error_message


@pytest.mark.parametrize(("policy", "rows"), [("update_only", 0), ("create_only", 3)])
def test_drt_passes_over_what_its_policy_leaves_out(load: Load, api: Api, policy: str, rows: int) -> None:
    assert load(ROWS, match_policy=policy).success == rows
    assert api.state()["objects"]["contacts"] == rows
