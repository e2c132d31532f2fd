"""Commands as a shell and a scheduler meet them: exit codes, JSON, plain lines, and nobody's data."""

from __future__ import annotations

import json
import signal
import time

import pytest

from careloom.cli.exit import end_with
from cli.shell import begin, call
from hang import HANG
from services.sync_project import PEOPLE, Clinic, someone

COUNTS = {"read", "create", "update", "same", "held", "conflict", "archive"}


def test_plan_apply_and_run_carry_the_same_json(clinic: Clinic) -> None:
    clinic.rows([someone(1), someone(2)])
    planned = call(clinic, "plan", "people", "--json", "--check")
    assert planned.code == 20
    assert planned.json["run"] is None
    applied = call(clinic, "apply", "people", "--json")
    assert applied.code == 0
    again = call(clinic, "run", "people", "--json")
    assert again.code == 0
    for said in (planned, applied, again):
        assert {"sync", "run", "counts", "requests", "seconds", "balanced"} <= said.json.keys()
        assert said.json.keys() >= {"sync", "run", "counts"}
        assert said.json["counts"].keys() >= COUNTS
        assert said.json["balanced"] is True
        assert said.json["requests"] > 0
    assert applied.json["counts"] == planned.json["counts"]
    assert again.json["counts"]["same"] == 2
    assert call(clinic, "plan", "--check").code == 0
    listed = call(clinic, "runs", "--json").json
    told = [(one["kind"], one["name"], one["run"], one["trigger"], one["state"]) for one in listed]
    assert told == [
        ("plan", "people", None, "hand", "done"),
        ("run", "people", 2, "hand", "done"),
        ("apply", "people", 1, "hand", "done"),
        ("plan", "people", None, "hand", "done"),
    ]


def test_each_ending_has_its_exit_code(clinic: Clinic) -> None:
    clinic.rows([someone(1, Born="soon"), someone(2)])
    assert call(clinic, "run").code == 4
    assert call(clinic, "apply", "people").code == 1, "no plan waits"
    assert call(clinic, "run", "nobody").code == 2
    assert call(clinic, "review", "people", "K2", "--create").code == 2
    clinic.write(PEOPLE.replace("First", "Frist"))
    fault = call(clinic, "run")
    assert fault.code == 3
    assert "did you mean `First`" in fault.err


def test_a_wrong_token_is_not_permitted_and_a_dead_portal_is_unavailable(clinic: Clinic) -> None:
    clinic.rows([someone(1)])
    clinic.simulator.control("POST", "settings", {"tokens": {"pat-test": {"scopes": None, "expired": True}}})
    assert call(clinic, "run").code == 5
    readers = ["crm.objects.contacts.read", "crm.schemas.contacts.read", "crm.schemas.contacts.write"]
    clinic.simulator.control("POST", "settings", {"tokens": {"pat-test": {"scopes": readers}}})
    writing = call(clinic, "run", "people", "--json")
    assert writing.code == 5
    assert writing.json["state"] == "failed"
    assert writing.json["counts"]["later"] == 1
    clinic.environment["CARELOOM_DATABASE_URL"] = "postgresql://127.0.0.1:1/nothing"
    assert call(clinic, "run").code == 6


def test_off_a_terminal_progress_is_plain_lines_on_standard_error(clinic: Clinic) -> None:
    clinic.rows([someone(1)])
    said = call(clinic, "run")
    assert [line for line in said.err.splitlines() if line.startswith("… reading files")]
    assert "\x1b" not in said.err + said.out
    assert "\r" not in said.err
    assert "run 1 of people: done, balanced" in said.out


def test_logs_are_json_lines_that_a_platform_reads(clinic: Clinic) -> None:
    clinic.environment |= {
        "CARELOOM_LOG_LEVEL": "info",
        "TRACEPARENT": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "GOOGLE_CLOUD_PROJECT": "clinic-7",
    }
    clinic.rows([someone(1)])
    said = call(clinic, "run", "--json")
    lines = [json.loads(line) for line in said.err.splitlines()]
    assert {line["message"] for line in lines} >= {"a run started", "a run ended"}
    assert {line["severity"] for line in lines} == {"INFO"}
    trace = "projects/clinic-7/traces/4bf92f3577b34da6a3ce929d0e0e4736"
    assert {line["logging.googleapis.com/trace"] for line in lines} == {trace}


def test_nobodys_data_is_shown_unless_asked_for_and_asking_is_audited(clinic: Clinic) -> None:
    row = someone(1, First="Zzyzx", Note="Zzyzx", Email="zzyzx@clinic.example", Born="soon Zzyzx")
    clinic.rows([row, someone(2, First="Zzyzx", Email="Zzyzx is no mail")])
    clinic.environment["CARELOOM_LOG_LEVEL"] = "debug"
    commands = (
        ("plan",),
        ("run",),
        ("runs", "--json"),
        ("held", "--list"),
        ("held", "--list", "--json"),
        ("review", "--json"),
        ("explain", "K2"),
    )
    for command in commands:
        said = call(clinic, *command)
        assert "zzyzx" not in (said.out + said.err).lower(), command
    assert clinic.ask("select count(*) from careloom.audit") == [(0,)]
    clinic.rows([someone(1, First="Zzyzx"), someone(2)])
    assert "Zzyzx" in call(clinic, "plan", "--reveal").out
    assert clinic.ask("select split_part(actor, ' ', 1), action, subject from careloom.audit") == [
        ("tester", "plan --reveal", "people")
    ]


def test_a_bug_is_told_by_its_places_and_never_by_what_it_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        try:
            raise ValueError("Zzyzx was born on 1990-01-01")
        except ValueError as error:
            raise RuntimeError("could not convert 'Zzyzx'") from error

    assert end_with(fail) == 1
    said = capsys.readouterr().err
    assert "RuntimeError" in said
    assert "ValueError" in said
    assert "test_doors.py" in said
    assert "born on 1990" not in said.replace('ValueError("Zzyzx was born on 1990-01-01")', "")


def test_one_interrupt_stops_at_a_checkpoint_and_the_next_run_goes_on(clinic: Clinic) -> None:
    clinic.rows([{**someone(number), "Email": f"many{number}@clinic.example"} for number in range(3000)])
    clinic.write(PEOPLE.replace("match:\n  - [email]\n  - [firstname, lastname, born]\n", ""))
    clinic.simulator.control("POST", "settings", {"latency_ms": 700})
    running = begin(clinic, "run", "people", "--json")
    while not clinic.records():
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=HANG)
    assert running.returncode == 130, err
    clinic.simulator.control("POST", "settings", {"latency_ms": 0})
    report = json.loads(out)
    assert report["state"] == "interrupted"
    assert report["balanced"]
    done, left = report["counts"]["create"], report["counts"]["later"]
    assert done > 0
    assert left > 0
    assert done + left == 3000
    assert len(clinic.records()) == done
    assert call(clinic, "runs", "--json").json[0]["state"] == "interrupted"
    again = call(clinic, "run", "people", "--json")
    assert again.code == 0
    assert (again.json["counts"]["create"], again.json["counts"]["same"]) == (left, done)
    assert len(clinic.records()) == 3000


def test_two_runs_of_one_sync_do_not_overlap(clinic: Clinic) -> None:
    clinic.rows([someone(number) for number in range(60)])
    with clinic.open() as ready, ready.store.transaction() as connection:
        connection.execute("select pg_advisory_lock(hashtext('careloom sync'), hashtext('people'))")
        refused = call(clinic, "run")
        assert refused.code == 1
        assert "being run by another process" in refused.err
        assert call(clinic, "plan").code == 0, "a plan writes nothing, so it need not wait"
    assert call(clinic, "run").code == 0


def test_a_run_that_was_killed_is_seen_as_interrupted_at_once(clinic: Clinic) -> None:
    clinic.rows([someone(1)])
    clinic.simulator.control("POST", "settings", {"latency_ms": 2000})
    running = begin(clinic, "run")
    while not [one for one in call(clinic, "runs", "--json").json if one["state"] == "running"]:
        assert running.poll() is None
    running.kill()
    running.communicate()
    clinic.simulator.control("POST", "settings", {"latency_ms": 0})
    while (killed := call(clinic, "runs", "--failed", "--json").json) == []:
        time.sleep(0.05)
    assert [(one["kind"], one["state"], one["code"]) for one in killed] == [("run", "interrupted", "died")]
    clinic.run()
    assert [one["state"] for one in call(clinic, "runs", "--json").json] == ["done", "interrupted"]


def test_runs_says_what_failed_overnight_also_what_failed_before_anything_was_read(clinic: Clinic) -> None:
    clinic.rows([someone(1)])
    assert call(clinic, "run").code == 0
    clinic.environment["HUBSPOT_TOKEN"] = ""
    assert call(clinic, "run").code == call(clinic, "plan").code == call(clinic, "doctor").code == 3
    del clinic.environment["HUBSPOT_TOKEN"]
    portal = clinic.simulator.url
    yaml = clinic.folder / "careloom.yaml"
    yaml.write_text(yaml.read_text().replace(portal, "http://127.0.0.1:1"))
    assert call(clinic, "run").code == 6
    yaml.write_text(yaml.read_text().replace("http://127.0.0.1:1", portal))
    clinic.write(PEOPLE.replace("First", "Frist", 1).replace("sync:", "snyc:"))
    assert call(clinic, "run", "--due").code == 3
    clinic.write()
    told = [(one["kind"], one["name"], one["trigger"], one["code"]) for one in failed(clinic)]
    assert told == [
        ("run", "all", "schedule", "project-fault"),
        ("run", "people", "hand", "remote-unavailable"),
        ("plan", "people", "hand", "secret-missing"),
        ("run", "people", "hand", "secret-missing"),
    ]
    assert failed(clinic, "--kind", "plan") == failed(clinic)[2:3]
    assert failed(clinic, "--since", "2999-01-01") == []
    text = call(clinic, "runs").out
    assert "started (America/New_York)" in text
    assert "the secret 'hubspot-token' is nowhere" in text
    assert call(clinic, "runs", "--limit", "0").code == 2


def failed(clinic: Clinic, *more: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = call(clinic, "runs", "--failed", "--json", *more).json
    return found


def test_doctor_says_what_is_missing_and_how_to_mend_it(clinic: Clinic) -> None:
    clinic.rows([someone(1)])
    said = call(clinic, "doctor", "--json")
    assert said.code == 0
    found = {(one["level"], one["what"]) for one in said.json}
    assert {("ok", "project"), ("ok", "database"), ("ok", "sync people"), ("warn", "alerts")} <= found
    assert [one for one in said.json if one["detail"] == "crm lacks property clinic_id (string)"]
    clinic.simulator.control("POST", "settings", {"tokens": {"pat-test": {"scopes": None, "expired": True}}})
    assert call(clinic, "doctor").code == 3
    clinic.environment["HUBSPOT_TOKEN"] = ""
    missing = call(clinic, "doctor")
    assert missing.code == 3
    assert "set HUBSPOT_TOKEN" in missing.out


def test_review_held_retry_and_explain_speak_json(clinic: Clinic) -> None:
    clinic.rows([someone(1, Email="no mail"), someone(2)])
    call(clinic, "run")
    held = call(clinic, "held", "--json", "--list").json
    assert [(cause["records"], cause["kind"]) for cause in held["causes"]] == [(1, "remote")]
    assert held["records"][0]["message"] == "•••"
    assert call(clinic, "retry", "--json").json == {"offered": 1}
    told = call(clinic, "explain", "K2", "--json").json
    assert told[0]["link"]["rule"] == "created"
    assert {one["property"]: one["from"] for one in told[0]["values"]}["firstname"] == "First"
    assert {one["value"] for one in told[0]["values"]} <= {"•••", None}
    assert call(clinic, "explain", "K99").code == 2
