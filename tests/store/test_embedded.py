"""The embedded server lives exactly as long as somebody uses it, and explains itself when it cannot."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from adbc_driver_postgresql import dbapi

from careloom.core.errors import Fix
from careloom.store.server import home as server_home
from careloom.store.server import restart, watchdog
from careloom.store.server.embedded import ensure_server, leave_server
from hang import HANG

AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root can start a server as another user, or mount")

# A process that uses the server until its standard input ends.
USER = """
import sys
from pathlib import Path
from careloom.store.server.embedded import ensure_server
print(ensure_server(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def wait_until(true: Callable[[], bool], seconds: float = HANG) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def postmaster(folder: Path) -> int:
    return watchdog.running(str(folder / "postgres" / "data"))[0]


def lives(pid: int) -> bool:
    """Whether `pid` is a process that does something (a dead one that nobody reaped does not count)."""
    process = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return process.stdout.strip() not in {"", "Z", "Zs"}


def keepers(folder: Path) -> list[int]:
    wanted_text = f"{watchdog.__file__} .*{folder}/postgres/data"
    process = subprocess.run(["pgrep", "-f", wanted_text], capture_output=True, text=True, check=False)
    return [int(pid) for pid in process.stdout.split()]


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The `.careloom/` of a project that everybody can reach."""
    project = Path(tempfile.mkdtemp(prefix="cl-"))
    project.chmod(0o755)
    folder = project / ".careloom"
    yield folder
    home = folder / "postgres"
    if home.exists() and not (project / "left").exists():
        leave_server(folder)
        with (home / "users").open("r+") as users:
            fcntl.flock(users, fcntl.LOCK_EX)
            watchdog.stop(str(home / "data"))
    shutil.rmtree(project)


@pytest.fixture
def user() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts further processes that use a server."""
    started: list[subprocess.Popen[str]] = []

    def start(folder: Path, **extra: object) -> subprocess.Popen[str]:
        words = [sys.executable, "-W", "ignore", "-c", USER, str(folder)]
        pipe = subprocess.PIPE
        process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, **extra)  # type: ignore[call-overload]
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_folder_gets_a_server_that_psycopg_and_adbc_can_use(folder):
    url = ensure_server(folder)
    with psycopg.connect(url) as connection:
        settings = "SELECT current_database(), current_user, current_setting('server_encoding'), lower('ÄÖ')"
        assert connection.execute(settings).fetchone() == ("careloom", "careloom", "UTF8", "äö")
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 7 AS seven")
        assert cursor.fetch_arrow_table().to_pylist() == [{"seven": 7}]


def test_asking_again_attaches_to_the_same_server(folder):
    assert ensure_server(folder) == ensure_server(folder)
    assert len(keepers(folder)) == 1


def test_nothing_that_a_statement_quotes_reaches_the_log(folder):
    with psycopg.connect(ensure_server(folder), autocommit=True) as connection:
        connection.execute("CREATE TABLE people (name text PRIMARY KEY)")
        connection.execute("INSERT INTO people VALUES ('Quentin Testperson')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO people VALUES (%s)", ["Quentin Testperson"])
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            connection.execute("SELECT 'Quentin Testperson'::integer")
    log = (folder / "postgres" / "data" / "server.log").read_text()
    assert "ready to accept connections" in log
    assert "Quentin" not in log
    assert "people" not in log


def test_the_server_stops_when_its_last_user_leaves_and_keeps_what_was_committed(folder, user):
    process = user(folder)
    url = process.stdout.readline().strip()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    server = postmaster(folder)
    process.communicate()
    wait_until(lambda: not lives(server) and not keepers(folder))
    with psycopg.connect(ensure_server(folder)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_user_that_was_killed_no_longer_counts(folder, user):
    process = user(folder)
    process.stdout.readline()
    server = postmaster(folder)
    process.kill()
    wait_until(lambda: not lives(server) and not keepers(folder))


def test_the_server_outlives_the_user_who_started_it_while_another_stays(folder, user):
    first, second = user(folder), user(folder)
    url = first.stdout.readline().strip()
    second.stdout.readline()
    first.kill()
    time.sleep(watchdog.LINGER + 1)
    assert answers(url)


def test_processes_that_start_at_once_share_one_server(folder, user):
    processes = [user(folder) for _ in range(4)]
    urls = {process.stdout.readline() for process in processes}
    assert len(urls) == 1
    assert len(keepers(folder)) == 1


def test_a_killed_server_comes_back_with_everything_that_was_committed(folder):
    with psycopg.connect(ensure_server(folder)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    server = postmaster(folder)
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: not lives(server))
    with psycopg.connect(ensure_server(folder)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


@pytest.mark.parametrize("deep", [False, True], ids=["near", "socket-elsewhere"])
def test_a_killed_server_is_started_again_by_who_uses_it_at_the_same_address(folder, deep):
    place = folder / ("long" * 20) / ".careloom" if deep else folder
    url = ensure_server(place)
    with restart.kept_running(place):
        for _ in range(2):
            killed = postmaster(place)
            os.kill(killed, signal.SIGKILL)
            wait_until(lambda gone=killed: not lives(gone))
            wait_until(lambda: answers(url))
    if deep:
        leave_server(place)
        last = postmaster(place)
        wait_until(lambda: not lives(last))


def test_a_server_that_dies_again_and_again_is_left_to_a_person(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(restart, "LOOK", 0.001)
    monkeypatch.setattr(restart, "runs", lambda _folder: False)
    monkeypatch.setattr(restart, "ensure_server", asked.append)
    told = []
    with restart.kept_running(Path("nowhere")):
        wait_until(lambda: told.append(capsys.readouterr().out) or "again and again" in "".join(told))
    assert len(asked) == restart.STARTS


def test_a_killed_keeper_is_replaced_by_the_next_process_that_asks(folder):
    ensure_server(folder)
    (first,) = keepers(folder)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not lives(first))
    ensure_server(folder)
    (second,) = keepers(folder)
    assert second != first


def test_the_mark_of_a_dead_server_is_ignored_even_if_its_number_is_now_ours(folder):
    ensure_server(folder)
    mark = folder / "postgres" / "data" / "postmaster.pid"
    lines = mark.read_text().splitlines()
    os.kill(int(lines[0]), signal.SIGKILL)
    wait_until(lambda: not lives(int(lines[0])))
    mark.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert answers(ensure_server(folder))


def test_a_creation_that_was_interrupted_is_begun_again(folder):
    leftover = folder / "postgres" / "data.new"
    leftover.mkdir(parents=True)
    (leftover / "PG_VERSION").write_text("18\n")
    if AS_ROOT:
        (folder / "postgres").chmod(0o711)
    assert answers(ensure_server(folder))
    assert not leftover.exists()


def test_a_path_too_long_for_a_socket_is_served_from_a_short_one(folder):
    deep = folder / ("long" * 20) / ".careloom"
    url = ensure_server(deep)
    address = psycopg.conninfo.conninfo_to_dict(url)["host"]
    assert answers(url)
    assert not str(address).startswith(str(folder))
    leave_server(deep)
    server, _ = watchdog.running(str(deep / "postgres" / "data"))
    wait_until(lambda: not lives(server) and not Path(address).exists())


def test_data_of_another_major_version_is_refused_with_a_way_out(folder):
    ensure_server(folder)
    leave_server(folder)
    watchdog.stop(str(folder / "postgres" / "data"))
    version = folder / "postgres" / "data" / "PG_VERSION"
    version.write_text("12\n")
    with pytest.raises(Fix, match=r"PostgreSQL 12.*CARELOOM_DATABASE_URL"):
        ensure_server(folder)


def test_a_folder_that_cannot_be_written_is_named_with_a_way_out(folder):
    folder.mkdir(mode=0o555)
    if AS_ROOT and subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", folder], check=False).returncode != 0:
        pytest.skip("this root may not mount, and nothing else stops it from writing")
    try:
        with pytest.raises(Fix, match=f"make {folder} writable.*CARELOOM_DATABASE_URL"):
            ensure_server(folder)
    finally:
        if AS_ROOT:
            subprocess.run(["umount", folder], check=True)
        folder.chmod(0o755)


def test_a_full_disk_is_explained_and_does_not_leave_half_a_server(folder):
    folder.mkdir()
    process = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "none", folder], capture_output=True, check=False
    )
    if process.returncode != 0:
        pytest.skip("only root may mount a small disk")
    try:
        with pytest.raises(Fix, match=r"No space left .*CARELOOM_DATABASE_URL"):
            ensure_server(folder)
        assert not (folder / "postgres" / "data").exists()
        subprocess.run(["mount", "-o", "remount,size=300m", folder], check=True)
        assert answers(ensure_server(folder))
        leave_server(folder)
        watchdog.stop(str(folder / "postgres" / "data"))
        wait_until(lambda: not keepers(folder))
    finally:
        subprocess.run(["umount", folder], check=True)


def modes(*folders: Path) -> list[tuple[int, int]]:
    return [(path.stat().st_mode, path.stat().st_uid) for folder in folders for path in (folder, *folder.parents)]


@needs_root
def test_root_gets_a_server_that_is_not_root(folder):
    url = ensure_server(folder)
    data = folder / "postgres" / "data"
    assert pwd.getpwuid(data.stat().st_uid).pw_name == "nobody"
    assert data.stat().st_mode & 0o777 == 0o700
    assert (folder / "postgres").stat().st_uid == 0
    assert Path(f"/proc/{postmaster(folder)}").stat().st_uid == data.stat().st_uid
    assert answers(url)


@needs_root
def test_where_the_servers_user_cannot_go_root_keeps_everything_in_the_systems_folder(folder, monkeypatch):
    closed = folder.parent / "closed"
    closed.mkdir(mode=0o700)
    system = folder.parent / "system"
    monkeypatch.setattr(server_home, "SYSTEM_FOLDER", system)
    monkeypatch.setattr(server_home, "_package", lambda: closed / "wheel" / server_home.PACKAGE)
    package = Path(server_home.find_spec(server_home.PACKAGE).origin).parent
    shutil.copytree(package, closed / "wheel" / server_home.PACKAGE, ignore=shutil.ignore_patterns("pginstall", "*.a"))
    shutil.copytree(package.parent / f"{server_home.PACKAGE}.libs", closed / "wheel" / f"{server_home.PACKAGE}.libs")
    project = closed / "project" / ".careloom"
    project.mkdir(parents=True)
    before = modes(project, closed / "wheel")
    url = ensure_server(project)
    home = system / (project / "postgres.at").read_text().strip()
    assert answers(url)
    assert ensure_server(project) == url
    assert str(home) in psycopg.conninfo.conninfo_to_dict(url)["host"]
    assert list(system.glob("postgresql-18.*"))
    assert modes(project, closed / "wheel") == before
    leave_server(project)
    watchdog.stop(str(home / "data"))


@needs_root
def test_a_copy_of_a_project_does_not_share_its_database(folder, monkeypatch):
    closed = folder.parent / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(server_home, "SYSTEM_FOLDER", folder.parent / "system")
    first, second = closed / "first", closed / "second"
    own_path = server_home.server_home(first).path
    shutil.copytree(first, second)
    assert server_home.server_home(first).path == own_path
    assert server_home.server_home(second).path != own_path
    shutil.rmtree(second)
    moved = closed / "moved"
    first.rename(moved)
    assert server_home.server_home(moved).path == own_path
