"""Which table is whose: CMS pays by final ones alone, a proposal is used by its own name, and nothing ambiguous is settled unseen."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from careloom.core.errors import Fix
from careloom.risk import MODELS, read_tables, score, scoring_statement, years
from careloom.risk.published import package, tables
from careloom.risk.published.lookup_tables import lookups
from risk.risk_shell import Shell
from risk.second_source import PAIRS, RECORD, digest, our_lines

SICK = "E11.9 I50.9 J449 N184"
HEAD = "person_id,age,sex,dual_elgbl_cd,orec,crec,new_enrollee,snp,lti\n"


def raw(model: str, year: int, codes: str = SICK, mode: str = "cms") -> str:
    person = {"person_id": 1, "age": 72, "sex": "F", "dual_elgbl_cd": "00", "orec": "0", "crec": "0"}
    coded_table = pa.table({"person_id": [1] * len(codes.split()), "diagnosis_code": codes.split()})
    (row,) = score(pa.Table.from_pylist([person]), coded_table, model=model, year=year, mode=mode).to_pylist()
    return str(row["risk_score"])


def test_v28_of_2027_is_scored_with_the_coefficients_that_cms_kept() -> None:
    assert (raw("V28", 2027), raw("V28", 2026)) == ("2.120", "2.120")
    assert read_tables("V28", 2027).coefficients == read_tables("V28", 2026).coefficients
    assert raw("V28", 2027, mode="compat") == "2.120"


def test_the_proposal_is_used_by_its_own_name_and_called_so_in_every_output(shell: Shell) -> None:
    assert raw("V28-PROPOSED", 2027) == "1.802"
    shell.write("people.csv", f"{HEAD}A1,72,F,00,0,0,no,no,no\n")
    shell.write("dx.csv", "person_id,diagnosis_code\nA1,E119\nA1,I509\nA1,J449\nA1,N184\n")
    words = ("--model", "v28-proposed", "--year", "2027")
    result = shell.risk("score", "--out", "scores.csv", *words)
    assert "1 people by V28-PROPOSED of 2027 (cms, proposed)" in result.out
    assert "! V28-PROPOSED of 2027: CMS proposed these coefficients and did not finalise them" in result.err
    assert shell.rows("scores.csv")[0]["model"] == "V28-PROPOSED"
    assert shell.risk("score", "--out", "scores.csv", "--json", *words).json["status"] == "proposed"
    assert "A1: V28-PROPOSED of 2027 (cms, proposed)" in shell.risk("explain", "A1", *words).out
    assert "V28-PROPOSED of 2027 (proposed)" in shell.risk("what-if", "--person", "A1", "--add", "C430", *words).out
    shell.risk("report", "--scores", "scores.csv", "--html", "page.html", *words, files=False)
    assert "did not finalise" in (shell.folder / "page.html").read_text()
    assert "did not finalise" in scoring_statement("V28-PROPOSED", 2027)
    assert "did not finalise" not in scoring_statement("V28", 2027)
    assert "V28-PROPOSED 2027         proposed" in shell.risk("tables", files=False).out
    shell.write("dbt_project.yml", "name: mine\n")
    shell.risk("emit", "--project", ".", *words, files=False)
    factors = (shell.folder / "seeds" / "hcc" / "hcc_payment_factors.csv").read_text()
    assert "V28-PROPOSED,2027" in factors
    assert ",proposed," in factors


def test_no_name_but_its_own_leads_to_the_proposal() -> None:
    for name in ("V28", "v28", "CMS-HCC Model V28"):
        assert read_tables(name, 2027).status == "final"
    for year in (2025, 2026):
        with pytest.raises(Fix, match="no proposal of V28"):
            read_tables("V28-PROPOSED", year)


def test_rxhcc_of_2025_and_2026_is_refused_in_cms_and_labelled_in_compat(shell: Shell) -> None:
    for year in (2025, 2026):
        with pytest.raises(Fix, match=r"ambiguous: 770 of its coefficients are there twice.*--mode compat"):
            read_tables("RX-V08", year)
        assert read_tables("RX-V08", year, "compat").status == "ambiguous"
    result = shell.risk("score", "--out", "scores.csv", "--model", "RX-V08")
    assert (result.code, "is ambiguous" in result.err) == (2, True)
    compat_result = shell.risk("score", "--out", "scores.csv", "--model", "RX-V08", "--mode", "compat")
    assert "(compat, ambiguous)" in compat_result.out


def test_every_table_of_every_model_and_year_says_one_thing_or_is_refused() -> None:
    for year in years():
        for name in MODELS:
            try:
                read = read_tables(name, year)
            except Fix:
                continue
            assert read.status in ("final", "proposed")
            assert {edition.part for edition in read.editions} == {*tables.PARTS}
            assert all(edition.source and year in edition.years and name in edition.models for edition in read.editions)


@pytest.mark.parametrize(
    ("file", "twice", "message"),
    [
        ("ra_dx_edits.csv", "D66,sex,1,,,override,48,CMS-HCC Model V28,", "edits .* say two things of D66"),
        ("ra_labels_2026.csv", "HCC38,Something else,CMS-HCC,V28,V28", "labels .* say two things of 38"),
        ("hcc_is_chronic.csv", "HCC38,N,V28,CMS-HCC", "chronic .* say two things of 38"),
        ("ra_coefficients_2026.csv", "CNA_HCC38,0.999,CMS-HCC,C28", "V28 table of 2026 .* ambiguous: 1 of"),
    ],
)
def test_a_table_that_says_two_things_is_never_settled_by_the_order_of_its_lines(
    data: Path, file: str, twice: str, message: str
) -> None:
    with (data / file).open("a") as lines:
        lines.write(f"\n{twice}\n")
    with pytest.raises(Fix, match=message):
        read_tables("V28", 2026)


# ---------------------------------------------------------------- the package's folder


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the package's folder of data, in which a release can be invented."""
    copy = tmp_path / "data"
    shutil.copytree(package._folder(), copy)
    monkeypatch.setattr(package, "_folder", lambda: copy)
    _forget()
    yield copy
    _forget()


def _forget() -> None:
    package.rows_of.cache_clear()
    tables._mapping.cache_clear()
    tables.read_tables.cache_clear()
    lookups.cache_clear()


def test_a_years_new_files_are_told_though_nobody_reads_them(shell: Shell, data: Path) -> None:
    for name in ("ra_coefficients_2027.csv", "ra_dx_to_cc_2028.csv", "ra_hierarchies_2027.csv", "ra_labels_2027.csv"):
        shutil.copy(data / "ra_labels_2026.csv", data / name)
        with (data / name).open("a") as lines:
            lines.write("\nHCC999,New,CMS-HCC,V99,V99\n")
    result = shell.risk("tables", "--check", files=False)
    assert result.code == 20
    assert "ra_coefficients_2027.csv: new, no code reads it: a table of 2027" in result.out
    assert "4 files are others" in result.out
    answer = shell.risk("tables", "--check", "--json", files=False).json
    assert {file["file"] for file in answer["files"]} >= {"ra_dx_to_cc_2028.csv", "ra_hierarchies_2027.csv"}


def test_a_file_that_is_renamed_or_gone_is_told_and_never_a_traceback(shell: Shell, data: Path) -> None:
    (data / "ra_proposed_coefficients_2027.csv").rename(data / "ra_coefficients_2027.csv")
    (data / "ra_dx_edits.csv").unlink()
    result = shell.risk("tables", "--check", files=False)
    assert result.code == 20
    assert (
        "ra_coefficients_2027.csv: renamed from ra_proposed_coefficients_2027.csv, scores are made of it" in result.out
    )
    assert "ra_dx_edits.csv: missing, scores are made of it" in result.out
    for model, year in (("RX-V08-MAPD", "2027"), ("V28", "2026")):
        failed_result = shell.risk("score", "--out", "scores.csv", "--model", model, "--year", year)
        assert (failed_result.code, "has no readable file" in failed_result.err, "Traceback" in failed_result.err) == (
            2,
            True,
            False,
        )


# ---------------------------------------------------------------- the second source


def test_the_tables_are_those_that_were_compared_with_a_second_source() -> None:
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    rows = {(row["model"], row["year"], row["mode"]) for row in record["tables"]}
    assert rows == {pair[:3] for pair in PAIRS if pair[:3] in rows}
    for row in record["tables"]:
        here = digest(our_lines(read_tables(row["model"], row["year"], row["mode"]))[row["part"]])
        assert here == row["ours"], (
            f"{row['model']} {row['year']} {row['part']}: compare anew: tests/risk/second_source.py"
        )
    final = [
        row
        for row in record["tables"]
        if row["part"] == "coefficients" and row["model"] not in ("V28-PROPOSED", "RX-V08")
    ]
    assert {(row["other_value"], row["only_there"]) for row in final} == {(0, 0)}, "no coefficient is another there"
    assert all(factor["ours"] == factor["theirs"] for factor in record["factors"])
