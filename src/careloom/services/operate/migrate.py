"""The database of a project, brought up to this release."""

from __future__ import annotations

from pathlib import Path

import psycopg

from careloom.services.session.sessions import store_url
from careloom.services.session.settings import Settings
from careloom.store.connection_faults import out_of_reach
from careloom.store.migrations import migrate, pending
from careloom.store.roles import make_roles


def bring_up(folder: Path, settings: Settings) -> list[str]:
    """Apply what is missing; the names of the files applied."""
    url = store_url(folder, settings)
    try:
        return migrate(url, settings.env)
    except psycopg.OperationalError as error:
        raise out_of_reach(url, error) from None


def bring_up_roles(folder: Path, settings: Settings) -> list[str]:
    """Make the database's roles and give each what its part needs; their names."""
    url = store_url(folder, settings)
    try:
        return make_roles(url)
    except psycopg.OperationalError as error:
        raise out_of_reach(url, error) from None


def waiting(folder: Path, settings: Settings) -> list[str]:
    """The names of the files that `bring_up` would apply."""
    url = store_url(folder, settings)
    try:
        return pending(url)
    except psycopg.OperationalError as error:
        raise out_of_reach(url, error) from None
