"""Why the database cannot be reached: something for a person to mend, or something to try again."""

from __future__ import annotations

import psycopg
from psycopg.conninfo import conninfo_to_dict

from careloom.core.errors import CareloomError, Fix, Later

_TO_MEND = (
    ("password authentication failed", "it refuses the password of user {user} (28P01)"),
    ("no password supplied", "it wants a password of user {user}, and the address has none (28P01)"),
    ("role ", "it knows no user {user} (28000)"),
    ("pg_hba.conf", "it lets user {user} in from no such place (28000)"),
    ("permission denied for database", "user {user} may not connect to database {dbname} (42501)"),
    ("database ", "it has no database {dbname} (3D000)"),
    ("could not translate host name", "there is no host of this name"),
)
"""What is told of a refused connection, by what the client library says; it gives no code before there is a connection."""


def out_of_reach(url: str, error: psycopg.OperationalError) -> CareloomError:
    """`error`, in which a connection to `url` ended: Fix where the address or the rights are wrong, else Later.

    It names host, port and cause, and never the password.
    """
    where = conninfo_to_dict(url)
    place = f"{where.get('host') or 'the local socket'}:{where.get('port') or 5432}"
    names = {"user": where.get("user") or "(none given)", "dbname": where.get("dbname") or "(none given)"}
    message = str(error)
    for words, cause in _TO_MEND:
        if words in message and _is_refusal(words, message):
            return Fix(f"cannot reach the database at {place}: {cause.format(**names)}; check CARELOOM_DATABASE_URL")
    cause = (
        "connection refused" if "refused" in message else "no answer in time" if "timeout" in message else "no answer"
    )
    return Later(
        f"cannot reach the database at {place}: {cause} ({type(error).__name__}); check CARELOOM_DATABASE_URL and that "
        "the server runs"
    )


def _is_refusal(words: str, message: str) -> bool:
    """Two of the words are common ones; what they begin must also end as the server's sentence does."""
    return not words.endswith(" ") or (f'{words}"' in message and "does not exist" in message)
