"""How many records a second the simulated portal takes, so that it is never what a benchmark measures.

Run `python benchmarks/simulator_speed.py [RECORDS]`. Bodies are built before the clock starts and answers are not
parsed: what is measured is the simulator, with a few client threads beside it on the same machine.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from careloom.systems.hubspot.simulator import RunningSimulator

BATCH = 100
THREADS = 4
HEADERS = {"authorization": "Bearer pat-bench", "content-type": "application/json"}


def contact(number: int, turn: str) -> dict[str, str]:
    """Fifteen properties of an invented person."""
    return {
        "email": f"person{number}@clinic.example",
        "firstname": f"First{number % 997}",
        "lastname": f"Last{number % 9973}",
        "phone": f"+1555{number:07d}",
        "mobilephone": f"+1556{number:07d}",
        "address": f"{number % 999} Invented Street",
        "city": "Springfield",
        "state": turn,
        "zip": f"{number % 99999:05d}",
        "country": "US",
        "company": f"Practice {number % 50}",
        "jobtitle": "Patient",
        "date_of_birth": f"19{number % 90 + 10}-03-0{number % 9 + 1}",
        "hs_lead_status": "NEW",
        "closedate": f"2026-03-0{number % 9 + 1}T10:00:00Z",
    }


def bodies(records: int, kind: str) -> list[bytes]:
    """The batches of one pass."""
    made = []
    for first in range(0, records, BATCH):
        numbers = range(first, min(first + BATCH, records))
        if kind == "create":
            inputs = [{"properties": contact(n, "IL")} for n in numbers]
        else:
            inputs = [
                {"id": f"key-{n}", "idProperty": "careloom_key", "properties": contact(n + records, kind)}
                for n in numbers
            ]
        made.append(json.dumps({"inputs": inputs}).encode())
    return made


def send(host: str, path: str, batches: list[bytes]) -> None:
    """Post every batch over one connection."""
    connection = http.client.HTTPConnection(host)
    for body in batches:
        connection.request("POST", path, body, HEADERS)
        answer = connection.getresponse()
        answer.read()
        if answer.status not in {200, 201}:
            raise SystemExit(f"{path}: {answer.status}")
    connection.close()


def measure(host: str, path: str, batches: list[bytes]) -> float:
    """Records a second, with all threads at work."""
    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda part: send(host, path, part), [batches[n::THREADS] for n in range(THREADS)]))
    return len(batches) * BATCH / (time.perf_counter() - started)


def page_through(host: str, keyset: str) -> tuple[int, float]:
    """Read every contact by search, ten thousand at a time; returns how many there were and the seconds it took."""
    connection, seen, after, low = http.client.HTTPConnection(host), 0, 0, "0"
    started = time.perf_counter()
    while True:
        query = {
            "filterGroups": [{"filters": [{"propertyName": keyset, "operator": "GT", "value": low}]}],
            "sorts": [{"propertyName": keyset, "direction": "ASCENDING"}],
            "properties": ["email"],
            "limit": 200,
            "after": str(after),
        }
        connection.request("POST", "/crm/v3/objects/contacts/search", json.dumps(query), HEADERS)
        body = json.loads(connection.getresponse().read())
        seen += len(body["results"])
        if "paging" not in body:
            return seen, time.perf_counter() - started
        after = int(body["paging"]["next"]["after"])
        if after + 200 > 10_000:
            low, after = body["results"][-1]["properties"][keyset], 0


def main() -> None:
    """Print one line for each thing measured."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with RunningSimulator("--tier", "unlimited") as simulator:
        host = simulator.url.removeprefix("http://")
        simulator.control("POST", "settings", {"search_lag": 0})
        key = {"name": "careloom_key", "type": "string", "fieldType": "text", "hasUniqueValue": True}
        simulator.control("POST", "seed", {"object": "contacts", "properties": [key]})
        path = "/crm/objects/2026-09/contacts/batch/"
        for name, turn in (("create", "create"), ("upsert", "new"), ("upsert", "changed")):
            rate = measure(host, path + name, bodies(records, turn))
            print(f"batch/{name} ({turn}): {rate:,.0f} records/s")
        seen, seconds = page_through(host, "hs_object_id")
        print(f"search, every one of {seen:,} contacts in pages of 200: {seconds:.2f} s")


if __name__ == "__main__":
    main()
