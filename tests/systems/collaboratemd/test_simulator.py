"""The billing service in a box: its wire as its users describe it, and books in which every report agrees with the others."""

from __future__ import annotations

import csv
import io
import json
import urllib.error
import urllib.request
import zipfile
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from careloom.systems.collaboratemd.simulator import RunningCollaborateMD
from careloom.systems.collaboratemd.simulator.layouts import BY_NAME, LAYOUTS
from hang import HANG
from systems.collaboratemd.fake_billing import ACCOUNTS, FIRST, SECOND, cents, fetched, money, source_of, table

BASIC = "Basic " + b64encode(b"sim-user:sim-password").decode()
SPACE = "{http://www.collaboratemd.com/api/v1/}"
AGING = BY_NAME["ar_aging"]
RUN = f"/v1/customer/{FIRST}/reports/{AGING.report}/filter/{AGING.filter}/run"

Rows = list[dict[str, str]]


def post(simulator: RunningCollaborateMD, path: str, **headers: str) -> tuple[int, str, bytes]:
    """Status, content type and body, whatever the status."""
    given = {"Authorization": BASIC, **headers}
    request = urllib.request.Request(simulator.url + path, data=b"", headers=given, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=HANG) as answer:
            return answer.status, answer.headers["content-type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["content-type"], error.read()


def test_xml_is_what_comes_unless_json_is_asked_for(simulator: RunningCollaborateMD) -> None:
    status, kind, body = post(simulator, RUN)
    root = ET.fromstring(body)
    assert (status, kind) == (200, "application/xml")
    assert [child.tag for child in root] == [f"{SPACE}Status", f"{SPACE}StatusMessage", f"{SPACE}Identifier"]
    identifier = root.findtext(f"{SPACE}Identifier")
    results = f"/v1/customer/{FIRST}/reports/results/{identifier}"
    _, _, as_xml = post(simulator, results)
    status, kind, as_json = post(simulator, results, Accept="application/json")
    assert (status, kind) == (200, "application/json")
    found = json.loads(as_json)
    assert set(found) == {"Status", "StatusMessage", "Data"}
    assert ET.fromstring(as_xml).findtext("Data") == found["Data"]
    with zipfile.ZipFile(io.BytesIO(b64decode(found["Data"]))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"{FIRST}.csv"]


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        (RUN, {"Authorization": ""}, 401),
        (RUN, {"Authorization": "Basic " + b64encode(b"sim-user:no").decode()}, 401),
        (RUN, {"Accept": "text/html"}, 415),
        (RUN, {"Accept": "*/*"}, 200),
        ("/v1/customer/1/elsewhere", {}, 404),
    ],
)
def test_http_says_only_what_is_wrong_with_the_call(
    simulator: RunningCollaborateMD, path: str, headers: dict[str, str], expected: int
) -> None:
    assert post(simulator, path, **headers)[0] == expected


@pytest.mark.parametrize("path", [RUN.replace("10141925", "1"), RUN.replace(FIRST, "10099999")])
def test_logical_errors_come_with_200(simulator: RunningCollaborateMD, path: str) -> None:
    status, _, body = post(simulator, path)
    assert status == 200
    assert ET.fromstring(body).findtext(f"{SPACE}Status") in {"INVALID CRITERIA", "ERROR"}


def test_the_results_of_a_run_are_those_of_its_account_only(simulator: RunningCollaborateMD) -> None:
    _, _, body = post(simulator, RUN, Accept="application/json")
    identifier = json.loads(body)["Identifier"]
    for path in (f"/v1/customer/{SECOND}/reports/results/{identifier}", f"/v1/reports/results/{identifier}"):
        assert json.loads(post(simulator, path, Accept="application/json")[2])["Status"] == "NOT FOUND"


def test_controls_refuse_what_they_do_not_know(simulator: RunningCollaborateMD) -> None:
    for name, values in (("settings", {"rovs": 1}), ("settings", {"today": "soon"}), ("fault", {"kind": "flood"})):
        with pytest.raises(urllib.error.HTTPError) as refused:
            simulator.control(name, **values)
        refused.value.close()
        assert refused.value.code == 400


# ---------------------------------------------------------------- books


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Mapping[str, Path]]]:
    """Every report of every account, as the room gives it, and what it should hold under "truth"."""
    folder = tmp_path_factory.mktemp("reports")
    with RunningCollaborateMD("--running-seconds", "0", "--today", "2026-01-15") as running:
        source = source_of(running)
        made: dict[str, Any] = {
            layout.name: {
                account: fetched(source, layout.name, folder / layout.name / account, account).files[0]
                for account in ACCOUNTS
            }
            for layout in LAYOUTS
        }
        yield {**made, "truth": running.control("truth")}


def rows_of(files: Mapping[str, Mapping[str, Path]], name: str, account: str = FIRST) -> Rows:
    """The rows that differ; of columns of one name the last counts."""
    header, rows = table(files[name][account])
    return [dict(zip(header, row, strict=True)) for row in dict.fromkeys(map(tuple, rows))]


def total(rows: Rows, column: str) -> int:
    return sum(cents(row[column]) for row in rows)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_truth_equals_the_files_to_the_cent(files: Mapping[str, Any], layout: Any) -> None:
    for account in ACCOUNTS:
        header, rows = table(files[layout.name][account])
        truth = files["truth"][layout.name][account]
        distinct = list(dict.fromkeys(map(tuple, rows)))
        assert header == [head for head, _ in layout.columns]
        assert len(rows) == truth["rows"] > 5
        assert money(layout, rows) == truth["totals"]
        assert len(distinct) == truth["distinct_rows"]
        assert money(layout, distinct) == truth["distinct_totals"]


def test_every_receivable_is_a_charge_that_is_owed(files: Mapping[str, Any]) -> None:
    for account in ACCOUNTS:
        charges = {row["Charge ID"]: row for row in rows_of(files, "gross_billing", account)}
        aging = {row["Charge ID"]: row for row in rows_of(files, "ar_aging", account)}
        owed = {key for key, row in charges.items() if cents(row["Charge Balance"]) > 0}
        assert len(charges) == 400
        assert set(aging) == owed
        for key, row in aging.items():
            assert cents(row["Balance Due"]) == cents(charges[key]["Charge Balance"])
            assert cents(row["Balance Due"]) == cents(row["Balance Due Insurance"]) + cents(row["Balance Due Patient"])
            assert row["Date of Service"] == charges[key]["Date of Service"]


def test_a_charge_is_what_was_paid_adjusted_and_is_owed(files: Mapping[str, Any]) -> None:
    for row in rows_of(files, "gross_billing"):
        parts = ("Insurance Payments", "Patient Payments", "Adjustments", "Charge Balance")
        assert cents(row["Charge Amount"]) == sum(cents(row[part]) for part in parts)


def test_payments_are_those_of_the_charges(files: Mapping[str, Any]) -> None:
    paid: dict[tuple[str, str], int] = defaultdict(int)
    payments = {row["Payment ID"]: row for row in rows_of(files, "payment_trends")}
    for row in payments.values():
        paid[row["Charge ID"], row["Payment Source"]] += cents(row["Applied Amount"])
        assert cents(row["Payment Amount"]) == cents(row["Applied Amount"]) + cents(row["Unapplied Amount"])
    for row in rows_of(files, "gross_billing"):
        assert paid[row["Charge ID"], "Insurance"] == cents(row["Insurance Payments"])
        assert paid[row["Charge ID"], "Patient"] == cents(row["Patient Payments"])


def test_the_other_reports_speak_of_the_same_charges(files: Mapping[str, Any]) -> None:
    charges = {row["Charge ID"]: row for row in rows_of(files, "gross_billing")}
    losses = {row["Charge ID"]: cents(row["Write-off Amount"]) for row in rows_of(files, "write_off_trends")}
    for row in {row["Charge ID"]: row for row in rows_of(files, "revenue_recognition")}.values():
        charge = charges[row["Charge ID"]]
        assert cents(row["Write-offs"]) == losses.get(row["Charge ID"], 0)
        assert cents(row["Contractual Adjustment"]) + cents(row["Write-offs"]) == cents(charge["Adjustments"])
        received = cents(row["Insurance Payments"]) + cents(row["Patient Payments"]) - cents(row["Refunds"])
        assert received == cents(row["Recognized Revenue"])
    held = {key for key, row in charges.items() if row["Charge Status"] == "ON HOLD"}
    assert {row["Charge ID"] for row in rows_of(files, "charges_on_hold")} == held
    assert {row["Charge ID"] for row in rows_of(files, "denial_trends")} <= set(charges)
    claims = {row["Claim ID"]: row for row in rows_of(files, "claim_stage_breakdown")}.values()
    assert total(list(claims), "Claim Amount") == total(list(charges.values()), "Charge Amount")


def test_the_files_have_the_oddities_of_real_ones(files: Mapping[str, Any]) -> None:
    everything = {name: b"".join(path.read_bytes() for path in files[name].values()) for name in BY_NAME}
    whole = b"".join(everything.values()).decode()
    assert "Muñoz" in whole
    assert "Peña Blanca" in whole
    assert ",(12.00)," in everything["payment_trends"].decode()
    assert '"=HYPERLINK(""http' in everything["charges_on_hold"].decode()
    assert '"first line\nsecond line"' in everything["charges_on_hold"].decode()
    assert "$1,234.50" in whole
    for name in ("ar_aging", "charges_on_hold"):
        with files[name][FIRST].open(encoding="utf-8", newline="") as lines:
            header, *rows = csv.reader(lines)
        assert {len(row) < len(header) for row in rows} == {True, False}
    with files["gross_billing"][FIRST].open(encoding="utf-8", newline="") as lines:
        assert any(len(row) > len(header) for header, *rows in [csv.reader(lines)] for row in rows)
    assert any(files["truth"][name][FIRST]["rows"] > files["truth"][name][FIRST]["distinct_rows"] for name in BY_NAME)


def test_the_wire_carries_windows_letters(simulator: RunningCollaborateMD, tmp_path: Path) -> None:
    files = {}
    for encoding in ("cp1252", "utf-8", "utf-8-sig"):
        simulator.control("settings", encoding=encoding)
        body = json.loads(post(simulator, RUN, Accept="application/json")[2])
        results = f"/v1/customer/{FIRST}/reports/results/{body['Identifier']}"
        data = b64decode(json.loads(post(simulator, results, Accept="application/json")[2])["Data"])
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.read(f"{FIRST}.csv").decode(encoding)
            assert ("ñ".encode("cp1252") in archive.read(f"{FIRST}.csv")) == (encoding == "cp1252")
        files[encoding] = fetched(source_of(simulator), "ar_aging", tmp_path / encoding).files[0].read_bytes()
    assert len(set(files.values())) == 1


def test_the_second_run_of_an_unchanged_state_gives_the_same_bytes(
    simulator: RunningCollaborateMD, tmp_path: Path
) -> None:
    source = source_of(simulator)
    once = {one.name: fetched(source, one.name, tmp_path / "a" / one.name).files[0].read_bytes() for one in LAYOUTS}
    with RunningCollaborateMD("--running-seconds", "0", "--rows", "60", "--today", "2026-01-15") as other:
        source = source_of(other)
        again = {
            one.name: fetched(source, one.name, tmp_path / "b" / one.name).files[0].read_bytes() for one in LAYOUTS
        }
        other.control("settings", seed=2)
        different = fetched(source, "ar_aging", tmp_path / "c").files[0].read_bytes()
    assert once == again
    assert different != once["ar_aging"]
