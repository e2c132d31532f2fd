"""A database that cannot be reached: what is for a person to mend is told apart from what may be tried again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from careloom.core.errors import CareloomError, Fix, Later
from careloom.store.database import open_store


def error_of(url: str) -> CareloomError:
    with pytest.raises(CareloomError) as end:
        open_store(url)
    return end.value


@contextmanager
def a_server_that_refuses(code: str, words: str) -> Iterator[int]:
    """It speaks PostgreSQL's protocol just far enough to refuse whoever comes."""
    fields = b"".join(
        kind + text.encode() + b"\0" for kind, text in ((b"S", "FATAL"), (b"V", "FATAL"), (b"C", code), (b"M", words))
    )
    answer = b"E" + (len(fields) + 5).to_bytes(4, "big") + fields + b"\0"

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                while startup := connection.recv(10_000):
                    if startup[4:8] == b"\x00\x03\x00\x00":
                        connection.sendall(answer)
                        break
                    connection.sendall(b"N")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        yield int(listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@pytest.mark.parametrize(
    ("code", "words", "cause"),
    [
        ("28P01", 'password authentication failed for user "ana"', "refuses the password of user ana"),
        ("28000", 'role "ana" does not exist', "knows no user ana"),
        ("28000", 'no pg_hba.conf entry for host "127.0.0.1", user "ana"', "lets user ana in from no such place"),
        ("3D000", 'database "clinic" does not exist', "has no database clinic"),
        ("42501", 'permission denied for database "clinic"', "user ana may not connect to database clinic"),
    ],
)
def test_what_a_person_must_mend_is_told_with_host_port_and_cause(code: str, words: str, cause: str) -> None:
    with a_server_that_refuses(code, words) as port:
        error = error_of(f"postgresql://ana:s3cret@127.0.0.1:{port}/clinic")
    assert isinstance(error, Fix)
    assert error.exit_code == 1
    assert f"127.0.0.1:{port}" in str(error)
    assert cause in str(error)
    assert code in str(error)
    assert "s3cret" not in str(error)


def test_a_database_that_is_not_there_is_told_by_a_real_server(database: str) -> None:
    error = error_of(database.replace("/test_", "/nothing_"))
    assert isinstance(error, Fix)
    assert "has no database nothing_" in str(error)


@pytest.mark.parametrize(
    ("code", "words"), [("57P03", "the database system is starting up"), ("53300", "too many clients")]
)
def test_what_passes_may_be_tried_again(code: str, words: str) -> None:
    with a_server_that_refuses(code, words) as port:
        assert isinstance(error_of(f"postgresql://ana@127.0.0.1:{port}/clinic"), Later)


def test_a_port_where_nobody_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    error = error_of(f"postgresql://ana@127.0.0.1:{port}/clinic")
    assert isinstance(error, Later)
    assert f"127.0.0.1:{port}: connection refused" in str(error)
