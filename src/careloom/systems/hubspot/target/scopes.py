"""What the token may do, asked without doing it: HubSpot lists a private app's scopes.

Documented at developers.hubspot.com, "Private apps": POST with the token as `tokenKey` gives userId, hubId, appId and scopes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from careloom.core.errors import CareloomError
from careloom.core.ports import Finding
from careloom.systems.hubspot.client import bodies
from careloom.systems.hubspot.client.http import Client
from careloom.systems.hubspot.client.paths import Paths
from careloom.vendor_kit.call import Call

_WHAT = "HubSpot scopes"


def scope_findings(client: Client, paths: Paths, token: str, families: Mapping[str, str]) -> Iterator[Finding]:
    """For each object that a sync writes, by the family whose scopes it goes by, what the token lacks to read and write it."""
    call = Call(
        method="POST",
        repeatable=True,
        path=paths.token_info(),
        body={"tokenKey": token},
        gives=bodies.one(bodies.granted),
        template="token",
    )
    try:
        answer = client.send(call)
    except CareloomError:
        answer = None
    if answer is None or not answer.ok:
        detail = "which scopes the token has could not be asked, so whether it may write shows with the first run"
        yield Finding(
            level="warn", what=_WHAT, detail=detail, fix="compare the app's scopes with docs/how-to/secrets.md"
        )
        return
    token_scopes = [str(scope) for scope in answer.body["scopes"]]
    faults = [finding for name, family in families.items() if (finding := _lack(name, family, token_scopes))]
    yield from faults
    if families and not faults:
        yield Finding(level="ok", what=_WHAT, detail=f"may read and write {', '.join(families)}")


def _lack(name: str, family: str, token_scopes: Collection[str]) -> Finding | None:
    lacking = [scope for act in ("read", "write") if not _has(token_scopes, scope := _scope(family, act))]
    if not lacking:
        return None
    detail = f"the token may not {' and '.join(scope.rpartition('.')[2] for scope in lacking)} {name}"
    if family == "tickets":
        detail = f"the token may not use {name}"
    fix = f"add to the app: {', '.join(dict.fromkeys(lacking))}"
    return Finding(level="fault", what=_WHAT, detail=detail, fix=fix)


def _scope(family: str, act: str) -> str:
    return "tickets" if family == "tickets" else f"crm.objects.{family}.{act}"


def _has(token_scopes: Collection[str], scope: str) -> bool:
    """Newer scopes end in a version; products and line items have an older scope for everything besides."""
    older = "e-commerce" if scope.split(".")[2:3] in (["products"], ["line_items"]) else scope
    return any(token_scope in (scope, older) or token_scope.startswith(f"{scope}.v") for token_scope in token_scopes)
