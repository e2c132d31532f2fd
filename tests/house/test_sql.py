"""The check of the SQL itself: what it makes of a statement, and that it sees what is wrong in one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def check_sql() -> object:
    pytest.importorskip("sqlfluff")
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import check_sql as module  # noqa: PLC0415
    finally:
        sys.path.remove(str(ROOT / "tools"))
    return module


def test_a_statement_is_made_sql_line_by_line(check_sql: object) -> None:
    text = (
        "-- Notes.\n\n-- name: one\nselect {column}, %(name)s::text\nfrom {table}\n\n-- name: two\n{affected}\n-- end\n"
    )
    assert check_sql.as_executed(text) == (
        "-- Notes.\n\n-- name: one\nselect _column_, 11111111::text\nfrom _table_;\n\n-- name: two\nselect 1;\n-- end\n"
    )


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("src/careloom/store/sql/x.sql", "-- name: one\nselect a from b where\n", "PRS"),
        ("src/careloom/store/sql/x.sql", "-- name: one\nselect a from b where a = null\n", "CV05"),
        ("src/careloom/store/sql/x.sql", "-- name: one\nSELECT a from b\n", "CP01"),
        ("blueprints/x/models/models/x.sql", "select a from {{ ref('b') }} join c on b.a = c.a\n", "AM05"),
        ("blueprints/x/models/models/x.sql", "with d as (select 1 as a) select a from {{ ref('b') }}\n", "ST03"),
    ],
)
def test_what_is_wrong_is_seen_in_the_store_and_in_the_models(
    check_sql: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, code: str
) -> None:
    monkeypatch.setattr(check_sql, "ROOT", tmp_path)
    check_sql._linter.cache_clear()
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(text)
    (tmp_path / ".sqlfluff").write_text((ROOT / ".sqlfluff").read_text())
    assert code in {fault.split()[1] for fault in check_sql.faults(Path(name))}
    check_sql._linter.cache_clear()
