"""Our `compat` scores beside hccinfhir's own, member by member, and why `cms` says otherwise."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from careloom.core.errors import Fix
from careloom.risk.model.profiles import Profile, everyone
from careloom.risk.population.columns import PEOPLE, kind
from careloom.risk.population.input_tables import check_people, people_view
from careloom.risk.published.tables import Edit, Tables, read_tables
from careloom.risk.review.differences import SCORES, Case, rules_reaching
from careloom.risk.scores.explain import normal
from careloom.risk.scores.score import score
from careloom.risk.workspace import Workspace, as_parquet, show_file, stage_rows

AT_ONCE = 10_000
SCORE: pa.DataType = pa.decimal128(12, 3)
TEXT: pa.DataType = pa.string()
RULE_NAMES: pa.DataType = pa.list_(pa.string())
SCHEMA = pa.schema(
    [
        ("person_id", TEXT),
        ("verdict", TEXT),
        ("hccinfhir", SCORE),
        ("compat", SCORE),
        ("cms", SCORE),
        ("difference", SCORE),
        ("rules", RULE_NAMES),
    ]
)
"""One row a member. `verdict`: agrees, disagrees, random (the library's answer changes from run to run), refused (it takes
no such member) or held (no age or sex). `difference`: cms less compat. `rules`: why, by the names of `rules.RULES`."""
Peer = Callable[[Mapping[str, Any], list[str]], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationResult:
    """Members by verdict; those whom `cms` scores otherwise, by rule (one may have several), and those without a rule.

    `refused` says why there are no `cms` scores of the model and year.
    """

    members: int
    verdicts: Mapping[str, int]
    otherwise: int
    rules: Mapping[str, int]
    unexplained: int
    refused: str | None = None


def validate(
    workspace: Workspace,
    people: Path,
    diagnoses: Path,
    *,
    model: str,
    year: int,
    sample: int | None = None,
    on_progress: Callable[[int, int], None] = lambda _count, _total: None,
) -> ValidationResult:
    """Compare every member, or `sample` of them drawn by their key; the view `validated` has a row each, as in SCHEMA.

    `people` is a file; `diagnoses` a Parquet file of what counts. `on_progress` hears how many of how many are done.

    Raises:
        Fix: as `score`; or the library has no such model.

    """
    read = read_tables(model, year, "compat")
    peer = _peer(read)
    persons = _draw_sample(workspace, people, sample)
    refusal = _refusal(model, year)
    for mode in ("compat", "cms"):
        if mode == "compat" or refusal is None:
            score(persons, diagnoses, model=model, year=year, mode=mode, out=workspace.folder / f"{mode}.parquet")
        show_file(workspace, f"{mode}_scores", workspace.folder / f"{'compat' if refusal else mode}.parquet")
    columns = show_file(workspace, "given_people", persons)
    people_view(workspace.db, columns, year, "compat", as_text=False)
    members = check_people(workspace.db)
    results: list[pa.Table] = []
    totals: Counter[str] = Counter()
    cases = _cases(workspace, read, diagnoses)
    while rows := [_compare(case, peer, totals, only=refusal is not None) for case in islice(cases, AT_ONCE)]:
        results.append(pa.Table.from_pylist(rows, schema=SCHEMA))
        on_progress(sum(table.num_rows for table in results), int(members))
    workspace.db.register("validated", pa.concat_tables(results) if results else SCHEMA.empty_table())
    return _result(totals, int(members), refusal)


def _refusal(model: str, year: int) -> str | None:
    """Why there are no `cms` scores to stand beside those of `compat`."""
    try:
        read_tables(model, year, "cms")
    except Fix as error:
        return str(error)
    return None


def _draw_sample(workspace: Workspace, people: Path, sample: int | None) -> Path:
    """The people, or the same `sample` of them each time."""
    people_file = as_parquet(workspace, "everybody", people)
    if sample is None:
        return people_file
    return stage_rows(
        workspace, "sample", f"select * from everybody order by hash(cast(person_id as varchar)) limit {int(sample)}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    case: Case
    facts: Mapping[str, Any]
    codes: list[str]


def _cases(workspace: Workspace, read: Tables, diagnoses: Path) -> Iterator[_Member]:
    number = kind(read.model.family, "people", "cms").sql("duckdb")
    show_file(workspace, "counted", diagnoses)
    workspace.db.execute(
        "create or replace temp view coded as select cast(person_id as varchar) as member, "
        "list(cast(diagnosis_code as varchar)) filter (where diagnosis_code is not null) as codes from counted group by all"
    )
    rows = workspace.db.execute(
        f"select people.*, {number} as kind, coalesce(coded.codes, []) as codes, compat_scores as compat, cms_scores as cms "
        "from people join compat_scores using (person_id) join cms_scores using (person_id) "
        "left join coded on coded.member = cast(people.person_id as varchar)"
    ).to_arrow_reader(AT_ONCE)
    for batch in rows:
        yield from (_member(row, read) for row in batch.to_pylist())


def _member(row: dict[str, Any], read: Tables) -> _Member:
    place = row["kind"]
    case = Case(
        read=read,
        person=everyone(read.model.family)[place] if place >= 0 else Profile(),
        age=row["age"] if row["age"] is not None else 0.0,
        orec=row["orec"],
        compat=row["compat"],
        cms=row["cms"],
    )
    return _Member(case=case, facts={name: row[name] for name in PEOPLE}, codes=row["codes"])


def _compare(member: _Member, peer: Peer, totals: Counter[str], *, only: bool) -> dict[str, Any]:
    """A row of the result; `only` compat scores are there, and stand where those of cms would."""
    compat_row, cms = member.case.compat, member.case.cms
    verdict, peer_score = _verdict(member, peer)
    rules = rules_reaching(member.case) if verdict not in ("held", "refused") else []
    totals[f"verdict {verdict}"] += 1
    totals.update(f"rule {name}" for name in rules)
    if verdict not in ("held", "refused") and member.case.differs(*SCORES, "hcc_list"):
        totals["otherwise"] += 1
        totals["unexplained"] += not rules
    both_scored = compat_row["risk_score"] is not None and cms["risk_score"] is not None
    return {
        "person_id": str(member.facts["person_id"]),
        "verdict": verdict,
        "hccinfhir": peer_score,
        "compat": compat_row["risk_score"],
        "cms": None if only else cms["risk_score"],
        "difference": cms["risk_score"] - compat_row["risk_score"] if both_scored and not only else None,
        "rules": rules,
    }


def _verdict(member: _Member, peer: Peer) -> tuple[str, Any]:
    compat_row = member.case.compat
    if compat_row["held"]:
        return "held", None
    try:
        peer_result = peer({name: value for name, value in member.facts.items() if name != "person_id"}, member.codes)
    except ValueError:  # pydantic's: a sex, status or entitlement that the library does not take
        return "refused", None
    thousandths = [round(getattr(peer_result, name) * 1000) for name in SCORES]
    is_equal = thousandths == [int(compat_row[name] * 1000) for name in SCORES] and set(peer_result.hcc_list) == set(
        compat_row["hcc_list"]
    )
    peer_score = pa.scalar(thousandths[0]).as_py()
    if is_equal:
        return "agrees", _decimal(peer_score)
    return ("random" if _random(member) else "disagrees"), _decimal(peer_score)


def _decimal(thousandths: int) -> Any:
    return pa.scalar(thousandths).cast(pa.decimal128(19, 0)).as_py().scaleb(-3)


def _random(member: _Member) -> bool:
    """Whether an edit fires on a code of two categories: the library then removes whichever its hash seed puts last."""
    read = member.case.read
    codes = {normal(code) for code in member.codes}
    return any(
        len(read.codes.get(code, ())) > 1 and code in read.edits and _fires(read.edits[code], member.facts)
        for code in codes
    )


def _fires(edit: Edit, facts: Mapping[str, Any]) -> bool:
    if edit.sex is not None:
        return edit.sex == ("1" if facts["sex"] in ("M", "1") else "2")
    age = facts["age"]
    return (edit.age_min is not None and age >= edit.age_min) or (edit.age_max is not None and age <= edit.age_max)


def _peer(read: Tables) -> Peer:
    """Hccinfhir's own engine with the files of the year."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it opens its files in a way that Python calls deprecated
        try:
            from hccinfhir import HCCInFHIR  # type: ignore[import-untyped]  # noqa: PLC0415 - optional dependency
        except ImportError as error:
            raise Fix("hccinfhir is not installed; run: python -m pip install 'careloom[risk]'") from error
        files = {edition.part: edition.file for edition in read.editions}
        engine = HCCInFHIR(
            model_name=f"{read.model.title} {read.model.variant}".rstrip(),
            dx_cc_mapping_filename=files["mapping"],
            hierarchies_filename=files["hierarchy"],
            coefficients_filename=files["coefficients"],
        )
    return lambda facts, codes: engine.calculate_from_diagnosis(codes, dict(facts))


def _result(totals: Mapping[str, int], members: int, refusal: str | None) -> ValidationResult:
    return ValidationResult(
        members=members,
        verdicts=_of("verdict ", totals),
        otherwise=totals.get("otherwise", 0),
        rules=_of("rule ", totals),
        unexplained=totals.get("unexplained", 0),
        refused=refusal,
    )


def _of(prefix: str, totals: Mapping[str, int]) -> dict[str, int]:
    entries: Iterable[tuple[str, int]] = ((name, number) for name, number in totals.items() if name.startswith(prefix))
    return {
        name.removeprefix(prefix): number for name, number in sorted(entries, key=lambda entry: (-entry[1], entry[0]))
    }
