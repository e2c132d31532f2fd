"""The web door over an open project, on a free port, and a scheduler whose tokens it can check without asking Google."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

from careloom.services.session.sessions import Session
from careloom.web.app import make_app
from careloom.web.oidc import CachedCertificates


@dataclass
class Google:
    """Google's part: it signs tokens, and says with which certificate they are checked."""

    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    asked: int = 0

    def token(self, audience: str, email: str = "scheduler@clinic.example", **extra: Any) -> str:
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        now = int(time.time())
        claims = {"iss": "https://accounts.google.com", "aud": audience, "email": email, "email_verified": True}
        claims |= {"iat": now, "exp": now + 600, "sub": "1"} | extra
        return jwt.encode(crypt.RSASigner.from_string(pem, key_id="one"), claims).decode()

    def __call__(self, _url: str, **extra: Any) -> Any:
        self.asked += 1
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "certificates.example")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self.key, hashes.SHA256())
        )
        pem = made.public_bytes(serialization.Encoding.PEM).decode()
        return type("Answer", (), {"status": 200, "data": json.dumps({"one": pem}).encode(), "headers": {}})()


@contextmanager
def serve_scheduler(session: Session, google: Google | None = None) -> Iterator[str]:
    """The address of the web door over `ready`."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        make_app(session, certificates=CachedCertificates(ask=google) if google else None),
        log_level="error",
        access_log=False,
        lifespan="off",
        ws="none",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
