"""A full run looks at every linked record, also where nothing but the source may decide."""

from __future__ import annotations

from pathlib import Path

from careloom.services.session.progress import Watch
from careloom.services.session.sessions import open_session
from careloom.services.session.settings import read_settings
from careloom.services.sync.run import run_sync
from careloom.systems.hubspot.simulator import RunningSimulator

PROJECT = """
project: own
timezone: America/New_York
systems:
  warehouse: {{kind: sql, url: "csv://data"}}
  crm: {{kind: hubspot, token: secret:hubspot-token, base_url: "{url}"}}
"""
SYNC = """
sync: patients
from: {system: warehouse, table: Patients, key: ID}
to: {system: crm, object: contacts, key: patient_id}
owner: source
fields:
  firstname: FirstName
  city: City
"""


def test_a_full_run_repairs_what_was_edited_though_every_field_is_the_sources(tmp_path: Path, database: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "syncs").mkdir()
    (tmp_path / "data" / "Patients.csv").write_text("ID,FirstName,City\nP1,Ana,Albany\n", encoding="utf-8")
    (tmp_path / "syncs" / "patients.yaml").write_text(SYNC, encoding="utf-8")
    settings = read_settings({"CARELOOM_DATABASE_URL": database, "HUBSPOT_TOKEN": "any"})
    with RunningSimulator("--tier", "unlimited") as portal:
        (tmp_path / "careloom.yaml").write_text(PROJECT.format(url=portal.url), encoding="utf-8")
        with open_session(tmp_path, settings) as session:
            sync = session.project.syncs["patients"]
            assert run_sync(session, sync, Watch()).counts["create"] == 1
            record = portal.control("GET", "records/contacts")["results"][0]["id"]
            portal.control("POST", "edit", {"object": "contacts", "id": record, "properties": {"city": "Cohoes"}})
            assert run_sync(session, sync, Watch(), full=True).counts["update"] == 1
            assert portal.control("GET", "records/contacts")["results"][0]["properties"]["city"] == "Albany"
            assert run_sync(session, sync, Watch(), full=True).counts["same"] == 1
