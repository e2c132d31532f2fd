"""What every `Source` promises: its columns are what it reads, what is wrong is the project's fault, and a value is never quoted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from careloom.core.errors import ProjectFault
from careloom.core.ports import Query, Since, Source
from careloom.vendor_kit.testing.case import Contract, error_of, nothing_leaks


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCase:
    """One place that is read. `opened` opens it; `table` has `rows` rows, of which `newer` are at or after `since`.

    `private_texts`: values of the table and secrets that nobody may see.
    """

    opened: Callable[[], Source]
    table: str
    columns: Sequence[str]
    rows: int
    since: Since
    newer: int
    private_texts: Sequence[str]


class SourceContract(Contract):
    """A room's subclass gives the fixture `case`."""

    capability: ClassVar[str] = "source"

    def test_what_is_read_has_the_columns_that_were_told(self, case: SourceCase) -> None:
        """By table and by statement, each time it is asked."""
        source = case.opened()
        for query in (Query(table=case.table), Query(sql=f"select * from {case.table}")):
            assert list(source.columns(query)) == list(case.columns)
            for _ in range(2):
                table = pa.Table.from_batches(list(source.read(query)))
                assert (table.column_names, table.num_rows) == (list(case.columns), case.rows)
        source.close()
        source.close()

    def test_since_gives_what_is_at_or_after_it(self, case: SourceCase) -> None:
        """Inclusive."""
        source = case.opened()
        batches = list(source.read(Query(table=case.table), case.since))
        assert sum(batch.num_rows for batch in batches) == case.newer
        source.close()

    def test_what_is_not_there_is_the_projects_fault_and_quotes_no_value(self, case: SourceCase) -> None:
        """A table, a column, a statement."""
        source = case.opened()
        wrong = (Query(table="nothing_here"), Query(sql=f"select nothing from {case.table}"), Query(sql="selekt 1"))
        with nothing_leaks(case.private_texts) as errors:
            for query in wrong:
                errors.append(error_of(lambda query=query: source.columns(query), ProjectFault))  # type: ignore[misc]
        assert not [text for text in case.private_texts if text in repr(source)]
        source.close()
