"""The functions that a mapping may call: scalar, repeatable, and blind to files, settings and the clock."""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


ALLOWED = _names(
    """
    abs add array_extract array_length array_to_string ascii bit_length ceil ceiling chr coalesce concat concat_ws
    contains damerau_levenshtein date_add date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day
    dayname dayofmonth dayofweek dayofyear divide editdist3 ends_with epoch epoch_ms epoch_us even exp extract floor
    format from_base64 greatest hamming hour if ifnull instr isfinite isinf isnan isodow isoyear jaccard
    jaro_similarity jaro_winkler_similarity json_array_length json_extract json_extract_string last_day lcase least
    left len length levenshtein list_contains list_element list_extract lower lpad ltrim make_date make_timestamp md5
    microsecond millisecond minute mod month monthname multiply nfc_normalize nullif ord position pow power prefix printf
    quarter regexp_extract regexp_full_match regexp_matches regexp_replace repeat replace reverse right round round_even
    rpad rtrim second sha1 sha256 sign split split_part sqrt starts_with str_split strftime string_split
    string_to_array strip_accents strlen strpos strptime substr substring subtract suffix timezone to_base to_base64
    to_days to_hours to_minutes to_months to_seconds to_years translate trim trunc try_strptime ucase unicode upper
    url_decode url_encode week weekday weekofyear year yearweek
    """
)
"""Names in lower case. A function that is missing here and only computes from its arguments may be added."""

CLOCK_AND_CHANCE = _names(
    """
    age current_date current_time current_timestamp current_localtime current_localtimestamp localtime localtimestamp
    get_current_time get_current_timestamp now today transaction_timestamp random rand uuid gen_random_uuid uuidv4 uuidv7
    setseed
    """
)
"""They give another answer on another day; a run must be repeatable."""

OUTSIDE = _names(
    """
    getenv current_setting set_config getvariable read_text read_blob read_csv read_csv_auto read_parquet parquet_scan
    read_json read_json_auto read_ndjson glob sniff_csv current_user current_role session_user user current_database
    current_schema current_schemas current_catalog version query query_table nextval currval which_secret txid_current
    """
)
"""They look at files, settings, secrets or the session."""

NO_COLUMN = frozenset(
    [
        "alter",
        "and",
        "any",
        "as",
        "between",
        "case",
        "connect_by_root",
        "create",
        "cross",
        "current_catalog",
        "current_date",
        "current_time",
        "current_timestamp",
        "current_user",
        "distinct",
        "drop",
        "else",
        "except",
        "false",
        "fetch",
        "for",
        "force",
        "from",
        "glob",
        "grant",
        "having",
        "if",
        "ilike",
        "inner",
        "insert",
        "install",
        "intersect",
        "into",
        "join",
        "lateral",
        "like",
        "localtime",
        "localtimestamp",
        "map",
        "not",
        "notnull",
        "null",
        "on",
        "only",
        "or",
        "outer",
        "partitioned_by",
        "positional",
        "qualify",
        "regexp",
        "returning",
        "revoke",
        "rlike",
        "rollback",
        "select",
        "session_user",
        "summarize",
        "tablesample",
        "then",
        "true",
        "uncache",
        "union",
        "using",
        "when",
        "where",
        "with",
        "xor",
    ]
)
"""Words that stand for something else than a column of that name, unless they are quoted."""
