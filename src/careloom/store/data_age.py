"""How old the data is that a statement reads: when the reports and streams behind its views last came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from careloom.store.database import Store
from careloom.store.statements import statements


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAge:
    """When the data of one report or stream came: the account whose data is oldest, and the newest."""

    name: str
    oldest: datetime
    newest: datetime


def data_age(store: Store, relations: Sequence[str], landings: Mapping[str, str]) -> Sequence[DataAge]:
    """Of everything that `relations` (views or tables, with their schema) stand on, the oldest first.

    `landings`: for each landed table the name of its landing. A relation that does not exist, and one that stands on nothing that
    was loaded, adds nothing.
    """
    values = {"relations": list(relations), "tables": list(landings), "streams": list(landings.values())}
    with store.transaction() as connection, connection.cursor(row_factory=class_row(DataAge)) as cursor:
        return cursor.execute(_SQL["data_age"], values).fetchall()


_SQL = statements("data_age")
