"""What a scan reads is what the practice holds: whole, since a time, and after an interruption."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from careloom.core.errors import RemoteUnavailable, UsageFault
from careloom.core.streams import Record
from careloom.systems.drchrono.checkpoints import Position
from careloom.systems.drchrono.client import Client
from careloom.systems.drchrono.options import Options
from careloom.systems.drchrono.simulator import RunningDrChrono
from careloom.systems.drchrono.source import DrChronoSource, windows
from systems.drchrono.fake_practice import CALM, MemoryTokens, all_of, context_of, options_of, source_of, token_of

STREAMS = ("patients", "appointments", "clinical_notes", "medications", "problems", "allergies", "line_items")
FLOOR = "2020-01-01"


def keys(found: dict[tuple[str, str], Record], stream: str) -> set[str]:
    return {key for name, key in found if name == stream and found[name, key].data is not None}


@pytest.mark.parametrize("envelope", ["results", "data"])
@pytest.mark.parametrize("bulk", [True, False])
def test_a_whole_scan_gives_every_record_of_every_stream_once(
    simulator: RunningDrChrono, envelope: str, bulk: bool
) -> None:
    simulator.control("settings", envelope=envelope)
    source = source_of(simulator, bulk=bulk, floor=FLOOR, pages={"default": 7, "patients": 7, "bulk": 9})
    truth = simulator.control("truth")
    for stream in STREAMS:
        found = all_of(source.scan(stream, None))
        assert keys(found, stream) == set(truth[stream])
        for (name, key), record in found.items():
            if name == stream and stream != "clinical_notes":
                assert record.data == truth[stream][key]
    source.close()


def test_insurance_comes_with_patients_and_alone(simulator: RunningDrChrono) -> None:
    source = source_of(simulator)
    patients = simulator.control("truth")["patients"]
    expected = {
        f"{key}:{rank}"
        for key, patient in patients.items()
        for rank in ("primary", "secondary", "tertiary")
        if patient[f"{rank}_insurance"]["insurance_company"]
    }
    assert expected
    assert keys(all_of(source.scan("patients", None)), "insurance") == expected
    alone = all_of(source.scan("insurance", None))
    assert keys(alone, "insurance") == expected
    assert {stream for stream, _ in alone} == {"insurance"}


def test_notes_tell_the_day_of_their_appointment_and_their_lock(simulator: RunningDrChrono) -> None:
    truth = simulator.control("truth")
    for values in ({"floor": FLOOR}, {"floor": FLOOR, "bulk_streams": ["clinical_notes"]}):
        found = all_of(source_of(simulator, **values).scan("clinical_notes", None))
        assert {record.data["locked"] for record in found.values()} == {True, False}
        for (_, key), record in found.items():
            assert record.data["note_date"] == truth["appointments"][key]["scheduled_time"][:10]
            assert record.data["locked"] == bool(truth["clinical_notes"][key]["signee"]["locked_by"])
            assert record.data["clinical_note_sections"]


def test_a_scan_since_a_time_gives_what_changed_and_what_was_deleted(simulator: RunningDrChrono) -> None:
    source = source_of(simulator)
    truth = simulator.control("truth")
    patient, *_ = truth["patients"]
    gone, moved, *_ = truth["appointments"]
    item, *_ = truth["line_items"]
    note, *_ = truth["clinical_notes"]
    before = datetime.now(UTC)
    simulator.control("change", table="patients", key=patient, values={"city": "Elsewhere"})
    simulator.control("delete", table="appointments", key=gone)
    simulator.control("change", table="appointments", key=moved, values={"status": "Arrived"})
    simulator.control("delete", table="line_items", key=item)
    simulator.control("lock", key=note)

    assert keys(all_of(source.scan("patients", before)), "patients") == {patient}
    appointments = all_of(source.scan("appointments", before))
    assert {key: record.data is None for (_, key), record in appointments.items()} == {gone: True, moved: False}
    items = all_of(source.scan("line_items", before))
    assert [(key, record.data) for (_, key), record in items.items()] == [(item, None)]
    notes = all_of(source.scan("clinical_notes", before))
    assert [(key, record.data["locked"]) for (_, key), record in notes.items()] == [(note, True)]


def test_streams_without_since_are_read_whole(simulator: RunningDrChrono) -> None:
    found = all_of(source_of(simulator).scan("problems", datetime.now(UTC)))
    assert keys(found, "problems") == set(simulator.control("truth")["problems"])


@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize("stream", ["patients", "appointments", "clinical_notes", "problems"])
def test_a_scan_that_stopped_goes_on_behind_any_of_its_pages(
    simulator: RunningDrChrono, stream: str, bulk: bool
) -> None:
    values = {
        "bulk": bulk,
        "floor": FLOOR,
        "bulk_streams": ["patients", "appointments", "clinical_notes"],
        "pages": {"default": 9, "patients": 9, "appointments": 9, "clinical_notes": 9, "bulk": 9},
    }
    pages = list(source_of(simulator, **values).scan(stream, None))
    assert len(pages) > 3
    simulator.control("expire_lists")
    for cut in range(len(pages)):
        rest = source_of(simulator, **values).scan(stream, None, pages[cut].checkpoint)
        found = all_of([*pages[: cut + 1], *rest])
        assert keys(found, stream) == set(simulator.control("truth")[stream])


def test_a_checkpoint_holds_no_person_and_one_that_is_not_ours_starts_anew(simulator: RunningDrChrono) -> None:
    source = source_of(simulator, bulk=False, pages={"patients": 9})
    first = next(iter(source.scan("patients", None)))
    assert set(json.loads(first.checkpoint)) == {"until", "leg", "next", "page", "uuid", "asked"}
    assert "Zzyzx" not in first.checkpoint
    for strange in ("nonsense", "{}", "[1]", '{"until":"x","leg":0,"next":"","page":1,"uuid":""}'):
        assert [r.key for r in next(iter(source.scan("patients", None, strange))).records] == [
            r.key for r in first.records
        ]


def test_a_list_that_never_gets_ready_is_gone_on_with_later(simulator: RunningDrChrono) -> None:
    simulator.control("settings", list_polls=10_000)
    pauses: list[float] = []
    source = source_of(simulator, pauses=pauses, bulk_patience_seconds=5.0)
    pages = source.scan("patients", None)
    asked = next(pages)
    with pytest.raises(RemoteUnavailable):
        next(pages)
    assert 1.0 < sum(pauses) <= 5.0
    simulator.control("settings", list_polls=0)
    before = simulator.control("calls")["POST patients_list"]
    assert len(keys(all_of(source_of(simulator).scan("patients", None, asked.checkpoint)), "patients")) == 40
    assert simulator.control("calls")["POST patients_list"] == before


def test_lists_are_asked_for_ahead_so_that_a_page_costs_two_calls_and_a_stop_loses_none(
    simulator: RunningDrChrono,
) -> None:
    simulator.control("settings", list_polls=0)
    pages = source_of(simulator, pages={"bulk": 4}).scan("patients", None)
    read = [next(pages) for _ in range(3)]  # of the first, that it was asked for; and two of ten with records
    assert simulator.control("calls")["POST patients_list"] == 6, "as many as were read, and four ahead"
    assert len(json.loads(read[-1].checkpoint)["uuid"].split()) == 4
    rest = list(source_of(simulator, pages={"bulk": 4}).scan("patients", None, read[-1].checkpoint))
    assert keys(all_of([*read, *rest]), "patients") == set(simulator.control("truth")["patients"])
    calls = simulator.control("calls")
    assert (calls["POST patients_list"], calls["GET patients_list"]) == (10, 10)


def test_a_list_that_expired_is_asked_for_anew_and_those_behind_it_are_not(simulator: RunningDrChrono) -> None:
    simulator.control("settings", list_polls=0)
    pages = source_of(simulator, pages={"bulk": 10}).scan("patients", None)
    read = [next(pages) for _ in range(2)]
    place = json.loads(read[-1].checkpoint)
    gone = json.dumps({**place, "uuid": " ".join(["gone", *place["uuid"].split()[1:]])})
    before = simulator.control("calls")["POST patients_list"]
    rest = list(source_of(simulator, pages={"bulk": 10}).scan("patients", None, gone))
    assert keys(all_of([*read, *rest]), "patients") == set(simulator.control("truth")["patients"])
    assert simulator.control("calls")["POST patients_list"] == before + 1


def test_reads_begin_earlier_by_the_overlap_and_by_the_hour_that_a_clock_set_back_repeats() -> None:
    context = context_of(None, timezone=ZoneInfo("America/New_York"))
    source = DrChronoSource(options_of("http://127.0.0.1:1", overlap_seconds=60), context)
    assert source._local(datetime(2026, 7, 1, 12, 1, tzinfo=UTC)) == "2026-07-01T08:00:00"
    # 01:31 of the first 01:31 in that night: records of the second 01:00 must not be missed.
    assert source._local(datetime(2026, 11, 1, 5, 31, tzinfo=UTC)) == "2026-11-01T00:30:00"


def test_windows_cover_every_day_once_and_none_is_longer_than_asked() -> None:
    first, last = date(2024, 1, 1), date(2027, 3, 3)
    days: list[date] = []
    for window in windows(first, last, 190):
        start, end = (date.fromisoformat(part) for part in window.split("/"))
        assert (end - start).days < 190
        days += [start + timedelta(days=number) for number in range((end - start).days + 1)]
    assert days == [first + timedelta(days=number) for number in range((last - first).days + 1)]


def test_a_record_is_fetched_whole_and_a_missing_one_is_gone(simulator: RunningDrChrono) -> None:
    source = source_of(simulator)
    truth = simulator.control("truth")
    for stream in STREAMS:
        key = next(iter(truth[stream]))
        record = source.fetch(stream, key)[0]
        assert (record.stream, record.key) == (stream, key)
        if stream != "clinical_notes":
            assert record.data == truth[stream][key]
    note = next(iter(truth["clinical_notes"]))
    assert (
        source.fetch("clinical_notes", note)[0].data["note_date"] == truth["appointments"][note]["scheduled_time"][:10]
    )
    gone = source.fetch("patients", "999999")
    assert [(one.stream, one.key, one.data) for one in gone] == [
        ("patients", "999999", None),
        ("insurance", "999999:primary", None),
        ("insurance", "999999:secondary", None),
        ("insurance", "999999:tertiary", None),
    ]
    assert source.fetch("problems", "999999")[0].data is None


def test_a_policy_is_fetched_out_of_its_patient(simulator: RunningDrChrono) -> None:
    truth = simulator.control("truth")["patients"]
    key = next(key for key, patient in truth.items() if patient["primary_insurance"]["insurance_company"])
    found = source_of(simulator).fetch("insurance", f"{key}:primary")
    assert [one.key for one in found] == [f"{key}:primary"]
    assert found[0].data["patient"] == int(key)


def test_entries_without_a_usable_form_are_kept_with_their_bytes(simulator: RunningDrChrono) -> None:
    simulator.control(
        "change", table="problems", key=next(iter(simulator.control("truth")["problems"])), values={"notes": "a\0b"}
    )
    pages = list(source_of(simulator).scan("problems", None))
    (bad,) = [one for page in pages for one in page.unreadable]
    assert bad.code == "nul-character"
    assert b"\\u0000" in bad.body
    read = sum(len(page.records) for page in pages)
    assert read == len(simulator.control("truth")["problems"]) - 1


def test_breaks_and_recurring_appointments_are_read(simulator: RunningDrChrono) -> None:
    found = all_of(source_of(simulator, floor=FLOOR).scan("appointments", None))
    assert any(record.data["appt_is_break"] and record.data["patient"] is None for record in found.values())
    assert any("_20" in key for _, key in found)


def test_a_stream_that_there_is_not_is_a_fault_of_use(simulator: RunningDrChrono) -> None:
    with pytest.raises(UsageFault, match="patients"):
        next(iter(source_of(simulator).scan("people", None)))


def test_a_list_that_was_asked_for_ahead_shows_what_was_so_when_it_was_asked_for(simulator: RunningDrChrono) -> None:
    """Its records must not count as newer than what an event told while they lay ready."""
    ticks = iter(range(10_000))
    options = options_of(simulator.url, pages={"bulk": 10})
    around = context_of(
        MemoryTokens(token_of(simulator)), clock=lambda: datetime.now(UTC) + timedelta(seconds=next(ticks))
    )
    source = DrChronoSource(options, around, client=Client(options, around, policy=CALM, pause=lambda _: None))
    pages = (page for page in source.scan("patients", None) if page.records)
    next(pages)
    asked = around.clock()
    later = [record.observed_at for page in pages for record in page.records]
    assert later
    assert max(later) <= asked
    resumed = Position(until="2026-01-01", page=1, uuid=simulator_list(source, options))
    (first, *_) = (page for page in source.scan("patients", None, resumed.text()) if page.records)
    assert first.records[0].observed_at < around.clock() - timedelta(minutes=59)


def simulator_list(source: DrChronoSource, options: Options) -> str:
    """A list that an earlier process asked for, of an earlier release's checkpoint, which does not say when."""
    answer = source._client.post("/api/patients_list", {"page": "1", "page_size": str(options.pages.bulk)})
    return answer.text("uuid")
