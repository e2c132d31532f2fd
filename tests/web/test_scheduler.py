"""Who may start syncs, what they are told, and how the service says that it is well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from google.auth import crypt, jwt
from google.auth.exceptions import TransportError

from careloom.core.errors import Fix
from careloom.core.streams import Page, Record, Unreadable
from careloom.store.database import Store
from careloom.store.locks import advisory_lock
from careloom.web import syncs
from careloom.web.oidc import KEPT_FOR, REST, SERVED_FOR, CachedCertificates, Certificates
from services.fake_rooms import NOON
from web.served import Letterbox, Running, Said, paper_project, serve

AUDIENCE, CALLER = "https://careloom.example", "scheduler@clinic.example"


@dataclass
class Google:
    """Signs tokens, and gives the certificate by which they are checked."""

    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    status: int = 200
    asked: int = 0

    def certificates(self, _url: str) -> Certificates:
        self.asked += 1
        return Certificates(status=self.status, data=orjson.dumps({"k1": self._certificate()}))

    def _certificate(self) -> str:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "invented")])
        now = datetime.now(UTC)
        certificate = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
        certificate = certificate.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        return certificate.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def token(self, key: str = "k1", **claims: Any) -> str:
        now = int(time.time())
        values = {
            "iss": "https://accounts.google.com",
            "aud": AUDIENCE,
            "email": CALLER,
            "email_verified": True,
            "iat": now,
            "exp": now + 600,
            **claims,
        }
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        signer = crypt.RSASigner.from_string(pem, key)  # type: ignore[no-untyped-call]
        content: bytes = jwt.encode(signer, {name: value for name, value in values.items() if value is not None})  # type: ignore[no-untyped-call]
        return content.decode()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def google(key: rsa.RSAPrivateKey) -> Google:
    return Google(key)


@pytest.fixture
def box() -> Letterbox:
    return Letterbox()


@pytest.fixture
def service(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, google: Google, box: Letterbox
) -> Iterator[Running]:
    project = paper_project(tmp_path, (CALLER,), AUDIENCE)
    certificates = CachedCertificates(google.certificates)
    with serve(store, project, monkeypatch, box, certificates=certificates) as running:
        yield running


def call(service: Running, path: str, token: str, method: str = "POST", **headers: str) -> Said:
    header_values = {name.replace("_", "-"): value for name, value in headers.items()}
    return service.ask(
        method, path, headers={"Authorization": f"Bearer {token}", **header_values} if token else header_values
    )


def pages(*names: str, more: Callable[[], None] = lambda: None) -> Callable[[], Iterator[Page]]:
    """Two pages of visits, the second with one that has no form; `more` is called in between."""

    def made() -> Iterator[Page]:
        records = [
            Record(stream="visits", key=name, data={"id": name, "room": "3"}, observed_at=NOON) for name in names
        ]
        yield Page(records=records, checkpoint="1")
        more()
        yield Page(
            records=[],
            checkpoint="2",
            unreadable=[Unreadable(stream="visits", key="x", code="no-shape", body=b"Zzyzx")],
        )

    return made


# ---------------------------------------------------------------- who is let in

GUARDED = [
    ("POST", "/sync/visits"),
    ("POST", "/sync/all"),
    ("POST", "/maintenance/cleanup"),
    ("GET", "/api/unlinked/session-notes"),
    ("GET", "/api/held/visits"),
    ("GET", "/api/progress"),
]
BAD: Mapping[str, Mapping[str, Any]] = {
    "made out to another": {"aud": "https://other.example"},
    "made out to nobody": {"aud": None},
    "expired": {"exp": int(time.time()) - 3600},
    "of another issuer": {"iss": "https://issuer.example"},
    "of an unknown key": {"key": "k2"},
    "of the future": {"iat": int(time.time()) + 3600},
}


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_nobody_is_let_in_without_a_token(service: Running, method: str, path: str) -> None:
    answer = call(service, path, "", method)
    assert (answer.status, answer.json) == (401, {"error": "no-valid-token"})
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("what", BAD)
def test_a_token_that_is_not_for_us_is_refused(service: Running, google: Google, what: str) -> None:
    answer = call(service, "/sync/visits", google.token(**BAD[what]))
    assert (answer.status, answer.json) == (401, {"error": "no-valid-token"})


@pytest.mark.parametrize("claims", [{"email": "other@clinic.example"}, {"email": None}, {"email_verified": False}])
def test_a_token_of_somebody_else_is_refused(service: Running, google: Google, claims: Mapping[str, Any]) -> None:
    answer = call(service, "/sync/visits", google.token(**claims))
    assert (answer.status, answer.json) == (403, {"error": "not-a-caller"})


def test_a_token_that_is_not_signed_or_signed_by_another_is_refused(service: Running, google: Google) -> None:
    head, body, signature = google.token().split(".")
    text = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
    forged = Google(rsa.generate_private_key(65537, 2048)).token()
    rubbish = ("x", "...", "a.b.c", "W10.W10.W10", "e30.e30.", "eyJraWQiOltdfQ.e30.e30", "\xff", "x" * 9000)
    for token in (f"{text}.{body}.", f"{head}.{body}.", f"{head}.{body}.{signature[::-1]}", forged, *rubbish):
        assert call(service, "/sync/visits", token).status == 401, token


def test_without_callers_nobody_is_let_in(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, google: Google
) -> None:
    project = paper_project(tmp_path, (), AUDIENCE)
    with serve(store, project, monkeypatch, certificates=CachedCertificates(google.certificates)) as service:
        assert call(service, "/sync/visits", google.token()).status == 403
    assert google.asked == 0


def test_on_cloud_run_a_token_may_be_made_out_to_the_services_own_address(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, google: Google
) -> None:
    project = paper_project(tmp_path, (CALLER,))
    certificates = CachedCertificates(google.certificates)
    with serve(
        store, project, monkeypatch, certificates=certificates, environment={"K_SERVICE": "careloom"}
    ) as service:
        for host in ("careloom-abc123-uw.a.run.app", "careloom-1234567890.us-west1.run.app"):
            address = f"https://{host}"
            for audience in (address, f"{address}/sync/visits"):
                assert call(service, "/sync/visits?full=false", google.token(aud=audience), Host=host).status == 200
            for audience in (AUDIENCE, f"{address}/sync/all", address.replace("https", "http")):
                assert call(service, "/sync/visits", google.token(aud=audience), Host=host).status == 401
        for host in (
            "other-abc123-uw.a.run.app",
            "careloom.example",
            "careloom-x.run.app.example",
            "careloom-x/run.app",
        ):
            assert call(service, "/sync/visits", google.token(aud=f"https://{host}"), Host=host).status == 401, host


@pytest.mark.parametrize("proxies", ["", "1"])
def test_no_host_that_a_caller_writes_makes_a_token_for_another_service_open_this_one(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, google: Google, proxies: str
) -> None:
    project = paper_project(tmp_path, (CALLER,), AUDIENCE)
    certificates, environment = CachedCertificates(google.certificates), {"CARELOOM_PROXIES": proxies}
    token = google.token(aud="https://other-service.example")
    headers = {
        "Host": "other-service.example",
        "X_Forwarded_Proto": "https",
        "X_Forwarded_Host": "other-service.example",
    }
    with serve(store, project, monkeypatch, certificates=certificates, environment=environment) as service:
        for method, path in GUARDED:
            assert call(service, path, token, method, **headers).status == 401
    with (
        pytest.raises(Fix, match="audience"),
        serve(
            store,
            paper_project(tmp_path / "b", (CALLER,)),
            monkeypatch,
            certificates=certificates,
            environment=environment,
        ),
    ):
        pass


def test_certificates_are_asked_for_once_an_hour_and_only_good_answers_are_kept(google: Google) -> None:
    now = [0.0]
    kept_certificates = CachedCertificates(google.certificates, clock=lambda: now[0])
    google.status = 500
    for _ in range(2):
        with pytest.raises(TransportError):
            kept_certificates("url")
    assert google.asked == 1
    google.status, now[0] = 200, REST + 1
    assert [kept_certificates("url").status, kept_certificates("url").status] == [200, 200]
    assert google.asked == 2
    google.status, now[0] = 500, REST + KEPT_FOR + 2
    assert [kept_certificates("url").status, kept_certificates("url").status] == [200, 200]
    assert google.asked == 3
    now[0] = REST + SERVED_FOR + 2
    with pytest.raises(TransportError):
        kept_certificates("url")


def test_while_google_hangs_one_thread_hangs_with_it_and_everyone_else_is_answered(
    service: Running, google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, asked, real = Event(), Event(), service.app.state.callers.certificates.ask

    def hang(url: str) -> Certificates:
        asked.set()
        go.wait(60)
        return real(url)

    monkeypatch.setattr(service.app.state.callers.certificates, "ask", hang)
    with ThreadPoolExecutor(60) as threads:
        try:
            first = threads.submit(call, service, "/sync/visits", google.token())
            assert asked.wait(20)
            others = [threads.submit(call, service, "/sync/visits", google.token()) for _ in range(50)]
            assert {other.result(20).status for other in others} == {503}
            assert all(other.result().headers["retry-after"] for other in others)
            assert service.ask("GET", "/ready").status == 200
        finally:
            go.set()
        assert first.result(20).status == 200


def test_while_google_does_not_answer_the_caller_is_to_come_again(
    service: Running, google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_url: str) -> Certificates:
        raise TransportError("away")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(service.app.state.callers.certificates, "ask", away)
    answer = call(service, "/sync/visits", google.token())
    assert (answer.status, answer.json) == (503, {"error": "certificates-away"})
    assert answer.headers["retry-after"]


# ---------------------------------------------------------------- syncs


def test_a_sync_answers_with_balanced_counts_in_the_schedulers_shape(
    service: Running, google: Google, box: Letterbox
) -> None:
    box.pages = pages("V1", "V2")
    answer = call(service, "/sync/visits", google.token())
    expected = {
        "status": "completed",
        "total": 3,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "deleted": 0,
        "failed": 1,
    }
    assert answer.status == 200
    assert {name: answer.json[name] for name in expected} == expected
    assert answer.json["balanced"] is True
    assert "Zzyzx" not in answer.body.decode()


def test_a_scan_that_is_under_way_is_not_begun_twice(service: Running, google: Google) -> None:
    with advisory_lock(service.session.store, "scan", "visits"):
        answer = call(service, "/sync/visits", google.token())
        assert (answer.status, answer.json["status"]) == (409, "running")
        assert answer.headers["retry-after"]
    assert call(service, "/sync/visits", google.token()).status == 200


def test_a_long_scan_says_that_it_continues_and_goes_on_where_it_stopped(
    service: Running, google: Google, box: Letterbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncs, "TIME_LIMIT", 0.0)
    box.pages = pages("V1")
    answer = call(service, "/sync/visits", google.token())
    assert (answer.status, answer.json["status"], answer.json["created"]) == (200, "continues", 1)
    with service.session.store.transaction() as connection:
        assert connection.execute("select checkpoint from stream_state where stream = 'visits'").fetchall() == [("1",)]


def test_a_service_that_ends_stops_its_scans_at_a_checkpoint(service: Running, google: Google, box: Letterbox) -> None:
    stop: Event = service.app.state.stop
    box.pages = pages("V1", more=stop.set)
    assert call(service, "/sync/visits", google.token()).json["status"] == "continues"


def test_all_streams_are_synced_and_summed_up(service: Running, google: Google, box: Letterbox) -> None:
    box.pages = pages("V1")
    answer = call(service, "/sync/all", google.token())
    assert answer.status == 200
    assert set(answer.json["streams"]) == {"visits", "session_notes"}
    assert answer.json["created"] == 1
    assert answer.json["total"] == sum(answer.json[n] for n in ("created", "updated", "unchanged", "deleted", "failed"))


def test_streams_and_queries_that_there_are_not_are_refused(service: Running, google: Google) -> None:
    assert call(service, "/sync/nothing", google.token()).status == 404
    assert call(service, "/api/held/nothing", google.token(), "GET").status == 404
    answer = call(service, "/maintenance/cleanup?dry_run=Zzyzx", google.token())
    assert (answer.status, answer.json) == (400, {"error": "bad-request"})
    assert call(service, "/sync/visits", google.token(), "GET").status == 405


def test_a_cleanup_can_be_tried_out_and_leaves_a_receipt(service: Running, google: Google) -> None:
    answer = call(service, "/maintenance/cleanup?dry_run=true", google.token())
    assert (answer.status, answer.json["dry_run"], answer.json["removed"]) == (200, True, {})
    with service.session.store.transaction() as connection:
        assert connection.execute("select id, dry_run from cleanup_receipt").fetchall() == [
            (answer.json["receipt"], True)
        ]


# ---------------------------------------------------------------- lists


def test_what_is_held_is_listed_by_ids_and_the_look_is_audited(
    service: Running, google: Google, box: Letterbox
) -> None:
    box.pages = pages("V1")
    call(service, "/sync/visits", google.token())
    answer = call(service, "/api/held/visits", google.token(), "GET")
    assert [(row["key"], row["code"]) for row in answer.json] == [("x", "no-shape")]
    assert "Zzyzx" not in answer.body.decode()
    assert call(service, "/api/unlinked/session-notes", google.token(), "GET").json == []
    with service.session.store.transaction() as connection:
        rows = connection.execute("select actor, subject from audit order by seq").fetchall()
    assert rows == [(CALLER, "held visits"), (CALLER, "unlinked session_notes")]


def test_the_document_describes_every_address(service: Running) -> None:
    document = service.ask("GET", "/openapi.json").json
    assert set(document["paths"]) == {
        "/webhooks/ehr",
        "/health",
        "/ready",
        "/progress",
        "/api/progress",
        "/sync/all",
        "/sync/{stream}",
        "/maintenance/cleanup",
        "/api/unlinked/{stream}",
        "/api/held/{stream}",
    }
    assert document["paths"]["/webhooks/ehr"]["post"]["responses"].keys() >= {"200", "401", "413", "415", "429", "503"}
    assert document["paths"]["/sync/{stream}"]["post"]["security"]
