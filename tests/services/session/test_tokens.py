"""A token pair is sealed in the store, and however many need a newer one, it is refreshed once."""

from __future__ import annotations

import base64
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from careloom.core.errors import Fix, RemoteUnavailable
from careloom.core.tokens import Token
from careloom.services.session.seal_key import seal_key
from careloom.services.session.settings import read_settings
from careloom.store import tokens as store_tokens
from careloom.store.database import Store, open_store
from careloom.store.tokens import EncryptedTokens
from hang import HANG

KEY = bytes(range(32))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = open_store(database)
    yield store
    store.close()


def tokens(store: Store, system: str = "ehr", key: bytes = KEY) -> EncryptedTokens:
    return EncryptedTokens(database=store, system=system, key=lambda: key)


def pair(name: str) -> Token:
    return Token(access=f"access-{name}", refresh=f"refresh-{name}", expires_at=NOON)


def test_what_was_stored_comes_back_and_the_newest_stands(store: Store) -> None:
    token_store = tokens(store)
    assert token_store.current() is None
    token_store.store(pair("one"))
    token_store.store(pair("two"))
    assert token_store.current() == pair("two")
    assert tokens(store, "other").current() is None


def test_the_database_holds_no_token_in_the_clear_and_seals_the_same_differently(store: Store) -> None:
    ciphertexts = []
    for _ in range(2):
        tokens(store).store(pair("one"))
        with store.transaction() as connection:
            ciphertexts.append(connection.execute("select sealed from sealed_token").fetchone())
    assert ciphertexts[0] != ciphertexts[1]
    assert b"access" not in bytes(ciphertexts[0][0])  # type: ignore[index]


@pytest.mark.parametrize(
    "tampering",
    [
        "update sealed_token set generation = generation + 1",
        "update sealed_token set system = 'other'",
        "update sealed_token set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)",
    ],
)
def test_a_pair_that_was_moved_or_altered_is_refused_with_the_next_step(store: Store, tampering: str) -> None:
    tokens(store).store(pair("one"))
    with store.transaction() as connection:
        connection.execute(tampering)  # type: ignore[call-overload]
        system = connection.execute("select system from sealed_token").fetchone()
    with pytest.raises(Fix, match="careloom connect") as error:
        tokens(store, system[0]).current()  # type: ignore[index]
    assert "access-one" not in str(error.value)


def test_another_key_opens_nothing(store: Store) -> None:
    tokens(store).store(pair("one"))
    with pytest.raises(Fix, match="sealed with another key"):
        tokens(store, key=bytes(32)).current()


def test_many_threads_refresh_once_and_all_get_the_new_pair(store: Store) -> None:
    """Each with its own connection: none of them may take the pool from the others, which has fewer places."""
    first = tokens(store)
    first.store(pair("old"))
    requests: list[Token] = []

    def refresh(stale: Token) -> Token:
        requests.append(stale)
        return pair(f"new{len(requests)}")

    with ThreadPoolExecutor(24) as pool:
        pairs = list(pool.map(lambda _: tokens(store).refreshed(pair("old"), refresh), range(24)))
    assert requests == [pair("old")]
    assert set(pairs) == {pair("new1")}
    assert tokens(store).current() == pair("new1")


REFRESHER = """
import sys, time
from datetime import datetime, timezone
from pathlib import Path
from careloom.core.tokens import Token
from careloom.store.tokens import EncryptedTokens
from careloom.store.database import open_store

url, calls, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
store = open_store(url)
tokens = EncryptedTokens(database=store, system="ehr", key=lambda: bytes(range(32)))
stale = tokens.current()
print("ready", flush=True)
sys.stdin.readline()

def refresh(pair):
    with calls.open("a") as file:
        file.write(name + "\\n")
    time.sleep(0.5)
    return Token(access="by-" + name, refresh="next", expires_at=datetime.now(timezone.utc))

print(tokens.refreshed(stale, refresh).access, flush=True)
store.close()
"""


def test_two_processes_refresh_one_token_once(store: Store, database: str, tmp_path: Path) -> None:
    tokens(store).store(pair("old"))
    calls = tmp_path / "calls"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", REFRESHER, database, str(calls), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b")
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = {process.communicate(timeout=HANG)[0].strip() for process in processes}
    refreshed_by = calls.read_text().split()
    assert len(refreshed_by) == 1
    assert answers == {f"by-{refreshed_by[0]}"}


def test_a_refresh_that_fails_keeps_the_old_pair_and_lets_the_next_one_try(store: Store) -> None:
    token_store = tokens(store)
    token_store.store(pair("old"))

    def away(_: Token) -> Token:
        raise RemoteUnavailable("the system does not answer")

    with pytest.raises(RemoteUnavailable):
        token_store.refreshed(pair("old"), away)
    assert token_store.current() == pair("old")
    assert token_store.refreshed(pair("old"), lambda _: pair("new")) == pair("new")


def test_who_waits_too_long_for_anothers_refresh_is_told_to_come_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_tokens, "PATIENCE", 0.2)
    tokens(store).store(pair("old"))
    began, end = threading.Event(), threading.Event()

    def slow(_: Token) -> Token:
        began.set()
        end.wait(30)
        return pair("new")

    with ThreadPoolExecutor(1) as pool:
        slow_one = pool.submit(tokens(store).refreshed, pair("old"), slow)
        assert began.wait(30)
        with pytest.raises(store_tokens.Later, match="still refreshing"):
            tokens(store).refreshed(pair("old"), lambda _: pair("mine"))
        end.set()
        assert slow_one.result(30) == pair("new")


def test_a_token_never_shows_itself(store: Store) -> None:
    tokens(store).store(pair("one"))
    token = tokens(store).current()
    assert "access-one" not in repr(token)
    assert "refresh-one" not in repr(token)


# ---------------------------------------------------------------- the key


def test_an_embedded_store_gets_a_key_of_its_own_once(tmp_path: Path) -> None:
    settings = read_settings({})
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: seal_key(tmp_path / ".careloom", settings), range(16)))
    assert len(keys) == 1
    assert [file.name for file in (tmp_path / ".careloom").iterdir()] == ["seal.key"]
    assert stat.S_IMODE((tmp_path / ".careloom" / "seal.key").stat().st_mode) == 0o600


def test_a_store_of_ones_own_needs_a_key_that_all_workers_share(tmp_path: Path) -> None:
    url = {"CARELOOM_DATABASE_URL": "postgresql://db.example/clinic"}
    with pytest.raises(Fix, match="openssl rand -base64 32"):
        seal_key(tmp_path, read_settings(url))
    key_text = base64.b64encode(KEY).decode()
    assert seal_key(tmp_path, read_settings({**url, "CARELOOM_SEAL_KEY": key_text})) == KEY
    variables = {**url, "CARELOOM_SEAL_KEY": "secret:elsewhere", "ELSEWHERE": key_text}
    assert seal_key(tmp_path, read_settings(variables)) == KEY
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", ["short", base64.b64encode(bytes(16)).decode(), "ü" * 44])
def test_a_key_that_is_none_is_refused_without_being_shown(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(Fix, match="32 bytes in base64") as error:
        seal_key(tmp_path, read_settings({"CARELOOM_SEAL_KEY": wrong}))
    assert wrong not in str(error.value)


def test_a_pair_from_the_future_is_kept_with_its_moment(store: Store) -> None:
    ahead = Token(access="a", refresh="b", expires_at=NOON + timedelta(days=2, microseconds=5))
    tokens(store).store(ahead)
    assert tokens(store).current() == ahead
