"""Reads BigQuery: described by a dry run, streamed as Arrow through the Storage API. Needs the extra `gcp`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from sqlglot import exp

from careloom.core.errors import Fix, NotPermitted, RemoteUnavailable
from careloom.core.ports import Query, Since
from careloom.core.rooms import RoomContext
from careloom.systems.sql.arrow import described
from careloom.systems.sql.faults import fault
from careloom.systems.sql.queries import Table, check_distinct, column_named, point, relation

DIALECT = "bigquery"
TYPES: dict[str, pa.DataType] = {
    "STRING": pa.string(),
    "BYTES": pa.binary(),
    "INTEGER": pa.int64(),
    "INT64": pa.int64(),
    "FLOAT": pa.float64(),
    "FLOAT64": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "BOOL": pa.bool_(),
    "NUMERIC": pa.decimal128(38, 9),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "DATETIME": pa.timestamp("us"),
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
}
"""Everything else (BIGNUMERIC, JSON, GEOGRAPHY, …) comes as exact text."""
WRITTEN = frozenset({"BIGNUMERIC", "INTERVAL", "RANGE"})
"""What BigQuery itself must write as text: Arrow writes the BIGNUMERIC 0 as 0E-38 and cannot write the others."""
EMULATOR = "BIGQUERY_EMULATOR_HOST"
"""The official client's own variable. Where it is set, that client asks no other host; no account is then shown to it."""
PATIENCE = 60.0
"""Seconds in which BigQuery must take a question. The client's own ten minutes are a hang to whoever waits for doctor."""
STREAMS = 4
"""Storage API streams of one read; each holds some batches in memory, and the service would open hundreds."""
BUSY = frozenset({"rateLimitExceeded", "quotaExceeded", "jobRateLimitExceeded"})
"""Reasons of a 403 that pass by themselves (https://cloud.google.com/bigquery/docs/error-messages)."""


def open_bigquery(url: str, key: str, _context: RoomContext) -> Bigquery:
    """The dataset that `url` (bigquery://PROJECT/DATASET) names; `key`: a service account's, else the machine's own."""
    parts = urlsplit(url)
    if not parts.netloc or not parts.path.strip("/"):
        raise fault("unknown-url", "the bigquery:// url is malformed", "write bigquery://PROJECT/DATASET", part="url")
    client, storage = _clients(parts.netloc, key)
    return Bigquery(client, parts.netloc, parts.path.strip("/"), storage)


def _clients(project: str, key: str) -> tuple[Any, Any]:
    """The client that asks, and the one that fetches results; None for the latter where results come over REST."""
    client = _extra("google.cloud.bigquery").Client
    if host := os.environ.get(EMULATOR):
        if not host.startswith(("http://", "https://")):
            raise Fix(f"{EMULATOR} is no address: write http://HOST:PORT, or unset it to read BigQuery itself")
        # An emulator's Storage endpoint, if it has one, is at a port that the variable does not tell.
        return client(project=project, credentials=_extra("google.auth.credentials").AnonymousCredentials()), None
    credentials = _credentials(key)
    storage = _extra("google.cloud.bigquery_storage").BigQueryReadClient(credentials=credentials)
    return client(project=project, credentials=credentials), storage


def _credentials(key: str) -> Any:
    try:
        if not key:
            return _extra("google.auth").default()[0]
        account = _extra("google.oauth2.service_account").Credentials
        return account.from_service_account_info(json.loads(key))
    except _extra("google.auth.exceptions").DefaultCredentialsError:
        raise NotPermitted(
            "No Google credentials are found: set password: to a secret with a service account's key"
        ) from None
    except ValueError:
        raise NotPermitted(
            "The BigQuery password is no service account's key: store the key's JSON as the secret"
        ) from None


def _extra(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise Fix("Reading BigQuery needs more packages: python -m pip install 'careloom[gcp]'") from None


class Bigquery:
    """A source over one dataset. A read is one query job, whose result is a snapshot."""

    def __init__(self, client: Any, project: str, dataset: str, storage: Any = None) -> None:
        self._client = client
        self._storage = storage
        self._dataset = f"{project}.{dataset}"

    def columns(self, query: Query) -> Mapping[str, str]:
        """Names and DuckDB types of what `query` selects; a dry run, which costs nothing."""
        return described(_schema(self._fields(self._relation(query))))

    def read(self, query: Query, since: Since | None = None) -> Iterator[pa.RecordBatch]:
        """The rows of `query`."""
        inner = self._relation(query)
        fields = self._fields(inner)
        schema = _schema(fields)
        statement, values = exp.select(_star(fields)).from_(inner.subquery("q")), []
        if since is not None:
            name = column_named(since.column, schema.names)
            condition, value = _at_or_after(schema.field(name), since)
            statement, values = statement.where(condition), [value]
        with _explained(inner):
            for batch in self._batches(self._job(statement, values, dry=False).result()):
                yield _brought_to(batch, schema)

    def close(self) -> None:
        """Give back the clients' connections."""
        self._client.close()
        if self._storage is not None:
            self._storage.transport.close()

    def _batches(self, rows: Any) -> Iterator[pa.RecordBatch]:
        """The result through the Storage API; over REST, which is slower, where there is none or we may not use it."""
        if self._storage is not None:
            batches = rows.to_arrow_iterable(bqstorage_client=self._storage, max_stream_count=STREAMS)
            try:
                return chain([next(batches)], batches)
            except StopIteration:
                return iter(())
            except _extra("google.api_core.exceptions").Forbidden:
                # The account may ask, but lacks the role Read Session User. No batch came yet: nothing comes twice.
                pass
        return iter(rows.to_arrow_iterable())

    def _relation(self, query: Query) -> exp.Query:
        tables = None
        if query.table is not None:
            with _explained():
                tables = [
                    Table(schema=item.dataset_id, name=item.table_id, default=True)
                    for item in self._client.list_tables(self._dataset, retry=_patient())
                ]
        return relation(query, DIALECT, tables, folds=False)

    def _fields(self, inner: exp.Query) -> Sequence[Any]:
        with _explained(inner):
            fields: Sequence[Any] = self._job(exp.select("*").from_(inner.subquery("q")), [], dry=True).schema
        check_distinct([field.name for field in fields])
        return fields

    def _job(self, statement: exp.Query, values: Sequence[str], *, dry: bool) -> Any:
        api = _extra("google.cloud.bigquery")
        config = api.QueryJobConfig(
            dry_run=dry,
            use_query_cache=not dry,
            default_dataset=self._dataset,
            query_parameters=[api.ScalarQueryParameter("since", "STRING", value) for value in values],
        )
        sql = statement.sql(dialect=DIALECT, comments=False)
        return self._client.query(sql, job_config=config, retry=_patient())


def _patient() -> Any:
    return _extra("google.cloud.bigquery").DEFAULT_RETRY.with_timeout(PATIENCE)


@contextmanager
def _explained(inner: exp.Query | None = None) -> Iterator[None]:
    """What goes wrong at Google as our own errors; of its words only those that are names in the statement `inner`."""
    errors, account = _extra("google.api_core.exceptions"), _extra("google.auth.exceptions")
    try:
        yield
    except errors.Forbidden as error:
        raise _refused(error) from None
    except (errors.Unauthorized, account.RefreshError):
        raise NotPermitted("Google refuses the account: its key is revoked or expired; store a new one") from None
    except errors.NotFound as error:
        cause = f"BigQuery knows no such project, dataset or table{_named(error, inner)}"
        raise fault("no-dataset", cause, "correct the url or the name") from None
    except errors.BadRequest as error:
        cause = f"BigQuery refuses the statement{_named(error, inner)}"
        raise fault("bad-sql", cause, "try it in BigQuery's console, then correct it") from None
    except pa.ArrowException as error:
        cause = f"a column comes in a type that cannot be read ({type(error).__name__})"
        raise fault("bad-value", cause, "read with sql: and cast it to STRING") from None
    except (errors.GoogleAPIError, account.GoogleAuthError, OSError) as error:
        raise RemoteUnavailable(f"BigQuery does not answer ({type(error).__name__})", after=30) from None


def _refused(error: Any) -> Exception:
    reasons = {str(item.get("reason", "")) for item in error.errors if isinstance(item, Mapping)}
    if busy := reasons & BUSY:
        return RemoteUnavailable(f"BigQuery's quota is used up ({min(busy)})", after=60)
    return NotPermitted("BigQuery refuses: the account needs BigQuery Data Viewer, Job User and Read Session User")


def _named(error: Exception, inner: exp.Query | None) -> str:
    """The names in `inner` that the message complains of. The rest of it is not shown: it may quote a person's values."""
    names = {node.name for node in inner.find_all(exp.Identifier, exp.Anonymous)} if inner is not None else set()
    culprits = sorted(names & set(re.findall(r"\w+", str(error))))
    return f" (it names {', '.join(culprits)})" if culprits else ""


def _star(fields: Sequence[Any]) -> exp.Expr:
    replacements = [
        exp.alias_(exp.cast(exp.column(field.name, quoted=True), "STRING", dialect=DIALECT), field.name, quoted=True)
        for field in fields
        if field.field_type in WRITTEN and field.mode != "REPEATED"
    ]
    return exp.Star(replace=replacements) if replacements else exp.Star()


def _at_or_after(field: pa.Field[pa.DataType], since: Since) -> tuple[exp.Expr, str]:
    """The condition that `since` sets, and the value of its parameter."""
    value = point(since, aware=pa.types.is_timestamp(field.type) and field.type.tz is not None)
    if pa.types.is_date(field.type):
        # A day less a look-back is a moment, which BigQuery does not cast to a day: its whole day is read.
        value = value[: len("2026-01-01")]
    parameter = exp.cast(exp.Parameter(this=exp.to_identifier("since")), _type_name(field.type), dialect=DIALECT)
    return exp.column(field.name, quoted=True) >= parameter, value


def _schema(fields: Sequence[Any]) -> pa.Schema:
    return pa.schema([(field.name, _arrow(field)) for field in fields])


def _arrow(field: Any) -> pa.DataType:
    if field.field_type in {"RECORD", "STRUCT"}:
        single: pa.DataType = pa.struct([(inner.name, _arrow(inner)) for inner in field.fields])
    else:
        single = TYPES.get(field.field_type, pa.string())
    return pa.list_(single) if field.mode == "REPEATED" else single


def _type_name(kind: pa.DataType) -> str:
    return next((name for name, arrow in TYPES.items() if arrow.equals(kind)), "STRING")


def _brought_to(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    arrays = [array.cast(field.type) for array, field in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
