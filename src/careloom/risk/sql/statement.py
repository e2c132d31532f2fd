"""The scoring statement: built once from a model's lookup tables as sqlglot expressions, rendered for every engine.

Its steps, each one a named query: `mapped` (a diagnosis to the words of its categories), `found` (one row a person: one
GROUP BY), `placed` (the person's kind, and what was found), `shed` (without what hierarchies push out), `halves` (what
each word that remains is worth), `patterns` (what comes together), `texts` (the lists), then the scores. No step loses a
person: every lookup table has a row for every value that can come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from careloom.risk.payment.payment_factors import Money
from careloom.risk.population.columns import defaults, kind, normal_code, sex_number
from careloom.risk.published.lookup_tables import CHRONIC, CHUNK, COUNTS, MOST, STATES, WORD, Lookups, lookups
from careloom.risk.sql.dialects import check_dialect, double, join_lists, list_of, thousandths
from careloom.risk.sql.expressions import all_of, any_of, column, number, shift, sum_of, texts, without
from careloom.risk.sql.rounding import sql_lessened, sql_normalized, thousandths_of

COLUMNS = (
    "person_id",
    "model",
    "segment",
    "risk_score",
    "risk_score_demographics",
    "risk_score_hcc",
    "risk_score_chronic_only",
    "risk_score_payment",
    "hcc_list",
    "hcc_list_before",
    "interactions",
    "payment_hcc_count",
    "defaults_taken",
    "held",
)
"""What the statement yields, one row for each row of people."""


PACKED = {"disease": (0, MOST - 1), "chronic": (20, MOST - 1), "hccs": (40, 255), "chronic_hccs": (48, 255)}
"""Where each part of a packed sum begins, and its mask."""
PATTERN = ("segment", "all_flags", "few_hccs", "few_chronic_hccs")
"""What decides what interactions and numbers of HCCs are worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the tables are called where the statement runs; `lookups` maps a lookup table's own name to another."""

    people: str = "people"
    diagnoses: str = "diagnoses"
    lookups: Mapping[str, str] = field(default_factory=dict)

    def table(self, name: str) -> exp.Table:
        """The table of that name, as it is called there."""
        inputs = {"people": self.people, "diagnoses": self.diagnoses}
        return exp.to_table(inputs.get(name) or self.lookups.get(name, name))


def scoring_statement(
    model: str,
    year: int,
    *,
    mode: str = "cms",
    money: Money | None = None,
    names: Names | None = None,
    dialect: str = "duckdb",
) -> str:
    """The statement that scores `people` by `diagnoses`, as text of `dialect` (duckdb, postgres, bigquery or spark).

    It reads the tables of `lookups(model, year, mode)` and typed columns: see `columns.PEOPLE`.

    Raises:
        Fix: no such model, year, mode or dialect.

    """
    edition = lookups(model, year, mode)
    statement = build(edition, money or Money(), names or Names(), check_dialect(dialect)).sql(
        dialect=dialect, pretty=True
    )
    caution = edition.read.caution
    return f"-- {edition.read.model.name} of {year}: {caution}\n{statement}" if caution else statement


def build(edition: Lookups, money: Money, names: Names, dialect: str) -> exp.Select:
    """The statement as an expression, in which only what `dialects.py` knows depends on the engine."""
    queries: dict[str, exp.Query] = {
        "mapped": _map_codes(edition, names),
        "found": _categories_of_people(edition),
        "placed": _place(edition, names),
        "recognised": _recognise(edition),
        "shed": _after_hierarchy(edition, names),
        "settled": _profile_rows(names),
    }
    queries |= {f"halves{word}": _mask_parts(edition, names, word) for word in _words(edition)}
    queries["summed"] = _sum(edition)
    queries["patterns"] = _patterns(edition, names, dialect)
    queries |= {f"texts{word}": _texts(edition, names, word, dialect) for word in _words(edition)}
    statement = _scores(edition, money, dialect)
    for name, query in queries.items():
        statement = statement.with_(name, as_=query, copy=False)
    return statement


def _words(edition: Lookups) -> range:
    return range(edition.words)


def _map_codes(edition: Lookups, names: Names) -> exp.Query:
    code = normal_code(column("diagnosis_code", "d"), edition.read.mode)
    words = [column(f"w{word}", "c") for word in _words(edition)]
    plain = (
        exp.select(column("person_id", "d"), *words)
        .from_(names.table("diagnoses").as_("d"))
        .join(names.table("hcc_codes").as_("c"), on=column("code", "c").eq(code))
    )
    if not edition.read.edits:
        return plain
    plain = plain.where(exp.not_(column("edited", "c")))
    fires_ = fires(edition.read.mode)
    edit_words = [
        exp.alias_(exp.case().when(fires_.copy(), column(f"o{word}", "e")).else_(column(f"w{word}", "e")), f"w{word}")
        for word in _words(edition)
    ]
    edit_query = (
        exp.select(column("person_id", "d"), *edit_words)
        .from_(names.table("diagnoses").as_("d"))
        .join(names.table("hcc_edits").as_("e"), on=column("code", "e").eq(code.copy()))
        .join(names.table("people").as_("p"), on=column("person_id", "p").eq(column("person_id", "d")))
    )
    return exp.union(plain, edit_query, distinct=False, copy=False)


def fires(mode: str) -> exp.Expr:
    """An edit by sex fires for that sex; one by age outside the years that the code is for: rule edits-by-whole-years."""
    age: exp.Expr = column("age", "p")
    sex = column("sex", "e")
    if mode == "cms":
        age = exp.Floor(this=age)
    old = exp.func("COALESCE", age.copy() >= column("age_min", "e"), exp.false())
    young = exp.func("COALESCE", age.copy() <= column("age_max", "e"), exp.false())
    by_sex = sex.copy().eq(sex_number("p"))
    return exp.paren(exp.case().when(sex.is_(exp.null()).not_(), by_sex).else_(exp.or_(young, old)))


def _categories_of_people(edition: Lookups) -> exp.Select:
    words = [exp.alias_(exp.BitwiseOrAgg(this=column(f"w{word}")), f"r{word}") for word in _words(edition)]
    return exp.select(column("person_id"), *words).from_("mapped").group_by("person_id")


def _place(edition: Lookups, names: Names) -> exp.Select:
    words = [
        exp.alias_(exp.func("COALESCE", column(f"r{word}", "f"), number(0)), f"r{word}") for word in _words(edition)
    ]
    return (
        exp.select(
            column("person_id", "p"),
            exp.alias_(kind(edition.read.model.family, "p", edition.read.mode), "kind"),
            exp.alias_(defaults(edition.read.model.family, "p"), "defaults"),
            *words,
        )
        .from_(names.table("people").as_("p"))
        .join("found AS f", on=column("person_id", "f").eq(column("person_id", "p")), join_type="left")
    )


def _recognise(edition: Lookups) -> exp.Select:
    """Without the categories that the model counts for no one, and those that need another beside them and lack it."""
    words: list[exp.Expr] = []
    for word in _words(edition):
        value: exp.Expr = column(f"r{word}")
        if edition.zeroed[word]:
            value = without(value, number(edition.zeroed[word]))
        for mask, partners in edition.requires_any:
            if mask[word]:
                value = exp.case().when(_none_of(partners), without(value.copy(), number(mask[word]))).else_(value)
        words.append(exp.alias_(value, f"q{word}"))
    return exp.select("*", *words).from_("placed")


def _none_of(mask: tuple[int, ...]) -> exp.Expr:
    parts = [all_of(column(f"r{word}"), number(bits)).eq(0) for word, bits in enumerate(mask) if bits]
    return exp.and_(*parts)


def _state(chunk: int, letter: str, table: str | None = None) -> exp.Expr:
    """The value of a chunk of the words that `letter` begins."""
    word, place = divmod(chunk * CHUNK, WORD)
    return all_of(shift(column(f"{letter}{word}", table), place), number(STATES - 1))


def _chunk(names: Names, table: str, chunk: int, *columns: str) -> exp.Subquery:
    query = exp.select("state", *columns).from_(names.table(table)).where(column("chunk").eq(chunk))
    return query.subquery(f"{table[4]}{chunk}")


def _after_hierarchy(edition: Lookups, names: Names) -> exp.Select:
    query = exp.select("a.*").from_("recognised AS a")
    masks: dict[int, list[exp.Expr]] = {word: [] for word in _words(edition)}
    for chunk, affected_words in edition.shedding.items():
        for word in affected_words:
            masks[word].append(column(f"d{word}", f"h{chunk}"))
        table = _chunk(names, "hcc_hierarchy", chunk, *(f"d{word}" for word in affected_words))
        query = query.join(table, on=column("state", f"h{chunk}").eq(_state(chunk, "q", "a")), copy=False)
    for word in _words(edition):
        value: exp.Expr = column(f"q{word}", "a")
        if masks[word]:
            value = without(value, any_of(masks[word]))
        query = query.select(exp.alias_(value, f"k{word}"), copy=False)
    return query


def _profile_rows(names: Names) -> exp.Select:
    """With the row of the person's kind."""
    cell = ("segment", "segment_name", "demographics", "besides", "bare", "flags", "held")
    return (
        exp.select("b.*", *(column(name, "c") for name in cell))
        .from_("shed AS b")
        .join(names.table("hcc_cells").as_("c"), on=column("kind", "c").eq(column("kind", "b")))
    )


def _mask_parts(edition: Lookups, names: Names, word: int) -> exp.Select:
    """What every word that remains to somebody of a segment adds up to: each once, for many have the same."""
    query = exp.select("e.*").from_(_distinct("settled", "segment", f"k{word}").subquery("e"))
    chunks = _chunks(edition, word)
    for chunk in chunks:
        segment = exp.Mul(this=column("segment", "e"), expression=number(STATES))
        place = exp.Add(this=segment, expression=_state(chunk, "k", "e"))
        table = _chunk(names, "hcc_states", chunk, "sums", "flags")
        query = query.join(table, on=column("state", f"s{chunk}").eq(place), copy=False)
    return query.select(
        exp.alias_(sum_of(column("sums", f"s{chunk}") for chunk in chunks), "sums"),
        exp.alias_(any_of(column("flags", f"s{chunk}") for chunk in chunks), "found_flags"),
        copy=False,
    )


def _texts(edition: Lookups, names: Names, word: int, dialect: str) -> exp.Select:
    """The list of the categories of every word that was found or remains."""
    words = [exp.select(exp.alias_(column(f"{letter}{word}"), f"t{word}")).from_("settled") for letter in "kr"]
    query = exp.select("e.*").from_(exp.union(*words, copy=False).subquery("e"))
    chunks = _chunks(edition, word)
    for chunk in chunks:
        table = _chunk(names, "hcc_names", chunk, "names")
        query = query.join(table, on=column("state", f"n{chunk}").eq(_state(chunk, "t", "e")), copy=False)
    texts_ = texts(column("names", f"n{chunk}") for chunk in chunks)
    return query.select(exp.alias_(list_of(texts_, dialect), "categories"), copy=False)


def _chunks(edition: Lookups, word: int) -> range:
    return range(word * WORD // CHUNK, min((word + 1) * WORD // CHUNK, edition.chunks))


def _distinct(table: str, *columns: str | exp.Expr) -> exp.Select:
    return exp.select(*columns).from_(table).distinct()


def _sum(edition: Lookups) -> exp.Select:
    """The sums of both words, unpacked, beside the person's kind. A left join: these joins may not be reordered."""
    words = _words(edition)
    flags = [column("flags", "e"), *(column("found_flags", f"h{word}") for word in words)]
    sums = exp.select(
        "e.*",
        exp.alias_(sum_of(column("sums", f"h{word}") for word in words), "sums"),
        exp.alias_(any_of(flags), "all_flags"),
    ).from_("settled AS e")
    for word in words:
        conditions = [column(name, f"h{word}").eq(column(name, "e")) for name in ("segment", f"k{word}")]
        sums = sums.join(f"halves{word} AS h{word}", on=exp.and_(*conditions), join_type="left", copy=False)
    parts = {name: all_of(shift(column("sums"), offset), number(bits)) for name, (offset, bits) in PACKED.items()}
    few = [
        exp.alias_(exp.func("LEAST", parts[name].copy(), number(COUNTS * edition.counts_hccs)), f"few_{name}")
        for name in ("hccs", "chronic_hccs")
    ]
    return exp.select("g.*", *(exp.alias_(part, name) for name, part in parts.items()), *few).from_(sums.subquery("g"))


def _patterns(edition: Lookups, names: Names, dialect: str) -> exp.Select:
    """What interactions and numbers of HCCs are worth: once for each set of them that somebody of a segment has."""
    query = exp.select("g.*").from_(_distinct("summed", *PATTERN).subquery("g"))
    query = query.join(names.table("hcc_segments").as_("t"), on=column("segment", "t").eq(column("segment", "g")))
    all_flags = column("all_flags", "g")
    own_flags = all_of(all_flags.copy(), number(edition.own_flags))
    chronic = any_of([shift(all_flags.copy(), CHRONIC), own_flags])
    worth, chronic_worth = _interacting(edition, all_flags), _interacting(edition, chronic)
    parts = _interaction_names(edition, all_flags)
    if edition.counts_hccs:
        for alias, few in (("u", "few_hccs"), ("v", "few_chronic_hccs")):
            segment = exp.Mul(this=column("segment", "g"), expression=number(16))
            place = exp.Add(this=segment, expression=column(few, "g"))
            query = query.join(names.table("hcc_counts").as_(alias), on=column("place", alias).eq(place))
        worth.append(column("worth", "u"))
        chronic_worth.append(column("worth", "v"))
        parts.append(column("name", "u"))
    return query.select(
        exp.alias_(sum_of(worth), "together"),
        exp.alias_(sum_of(chronic_worth), "chronic_together"),
        exp.alias_(list_of(texts(parts), dialect), "interactions"),
    )


def _interacting(edition: Lookups, flags: exp.Expr) -> list[exp.Expr]:
    return [
        exp.func("COALESCE", exp.case().when(_is_met(interaction.needs, flags), column(f"i{place}", "t")), number(0))
        for place, interaction in enumerate(edition.interactions)
    ] or [number(0)]


def _is_met(needs: int, flags: exp.Expr) -> exp.Expr:
    return all_of(flags.copy(), number(needs)).eq(needs)


def _interaction_names(edition: Lookups, flags: exp.Expr) -> list[exp.Expr]:
    names: list[exp.Expr] = [exp.Literal.string("")]
    for place, interaction in enumerate(edition.interactions):
        is_met = exp.and_(_is_met(interaction.needs, flags), column(f"i{place}", "t").is_(exp.null()).not_())
        names.append(exp.case().when(is_met, exp.Literal.string(f"{interaction.name},")).else_(exp.Literal.string("")))
    return names


def _scores(edition: Lookups, money: Money, dialect: str) -> exp.Select:
    condition = exp.and_(*(column(name, "p").eq(column(name, "z")) for name in PATTERN))
    rows = exp.select("*").from_("summed AS z").join("patterns AS p", on=condition, join_type="left")
    hcc = sum_of([column("besides", "z"), column("disease", "z"), column("together", "p")])
    chronic = sum_of([column("besides", "z"), column("chronic", "z"), column("chronic_together", "p")])
    raw = sum_of([column("demographics", "z"), hcc.copy()])
    lasting = exp.case().when(column("hccs", "z").eq(0), column("bare", "z")).else_(chronic)
    for letter in "kr":
        for word in _words(edition):
            condition_ = column(f"t{word}", f"{letter}{word}").eq(column(f"{letter}{word}", "z"))
            rows = rows.join(f"texts{word} AS {letter}{word}", on=condition_, join_type="left", copy=False)
    lists = {
        letter: join_lists([column("categories", f"{letter}{word}") for word in _words(edition)], dialect)
        for letter in "kr"
    }
    return rows.select(
        column("person_id", "z"),
        exp.alias_(exp.Literal.string(edition.read.model.name), "model"),
        exp.alias_(column("segment_name", "z"), "segment"),
        exp.alias_(thousandths(raw), "risk_score"),
        exp.alias_(thousandths(column("demographics", "z")), "risk_score_demographics"),
        exp.alias_(thousandths(hcc), "risk_score_hcc"),
        exp.alias_(thousandths(lasting), "risk_score_chronic_only"),
        exp.alias_(_payment(raw, money, edition.read.mode), "risk_score_payment"),
        exp.alias_(lists["k"], "hcc_list"),
        exp.alias_(lists["r"], "hcc_list_before"),
        column("interactions", "p"),
        exp.alias_(column("hccs", "z"), "payment_hcc_count"),
        exp.alias_(list_of(column("defaults", "z"), dialect), "defaults_taken"),
        column("held", "z"),
        append=False,
    )


def _payment(raw: exp.Expr, money: Money, mode: str) -> exp.Expr:
    if money.normalization is None:
        return double(exp.null())
    return _as_the_library(raw, money) if mode == "compat" else _as_cms(raw, money)


def _as_cms(raw: exp.Expr, money: Money) -> exp.Expr:
    def normalization(to_number: Callable[[float], int]) -> exp.Expr:
        usual = number(to_number(money.normalization or 1.0))
        if money.grafts is None:
            return usual
        return exp.paren(exp.case().when(_is_grafted(), number(to_number(money.grafts))).else_(usual))

    raw_score = exp.cast(raw.copy(), exp.DataType.Type.BIGINT)
    score = sql_lessened(sql_normalized(raw_score, normalization), 1.0 - money.coding_intensity)
    total = exp.Add(this=exp.paren(score), expression=number(thousandths_of(money.frailty)))
    return exp.Div(this=double(exp.paren(total)), expression=number(1000.0), typed=False, safe=False)


def _is_grafted() -> exp.Expr:
    return column("segment_name", "z").like("G%")


def _as_the_library(raw: exp.Expr, money: Money) -> exp.Expr:
    score = exp.Div(this=double(raw.copy()), expression=number(1000.0), typed=False, safe=False)
    share = exp.Mul(this=score, expression=double(number(1.0 - money.coding_intensity)))
    normalization: exp.Expr = double(number(money.normalization or 1.0))
    if money.grafts is not None:
        normalization = exp.paren(exp.case().when(_is_grafted(), double(number(money.grafts))).else_(normalization))
    return exp.Add(this=exp.Div(this=share, expression=normalization), expression=double(number(money.frailty)))
