"""`careloom review`."""

from __future__ import annotations

from typing import Annotated

import typer

from careloom.cli.console import many, print_json, printer
from careloom.cli.options import HERE, MANY, Folder, Json, Reveal, SyncName
from careloom.cli.project_session import audited, chosen, may_reveal, project
from careloom.cli.summary_tables import show_held
from careloom.core.errors import UsageFault
from careloom.services.review import decide
from careloom.services.review import reveal as review_reveal
from careloom.services.session import sessions


def command(
    sync: SyncName = None,
    key: Annotated[str | None, typer.Argument(help="One source key.", metavar="KEY")] = None,
    *,
    folder: Folder = HERE,
    json: Json = False,
    reveal: Reveal = False,
    link: Annotated[
        str | None, typer.Option("--link", metavar="ID", help="KEY is this record of the other side.")
    ] = None,
    create: Annotated[bool, typer.Option("--create", help="KEY fits no candidate: create a record.")] = False,
    never: Annotated[
        str | None, typer.Option("--never", metavar="ID", help="KEY and this record are never the same.")
    ] = None,
    keep: Annotated[str | None, typer.Option("--keep", metavar="source|destination", help="Settle a conflict.")] = None,
    field: Annotated[
        str | None, typer.Option("--field", metavar="PROPERTY", help="With --keep: this property only.")
    ] = None,
    link_lone_of: Annotated[
        str | None,
        typer.Option(
            "--link-lone",
            metavar="CODE",
            help="Link all records held for CODE that have one candidate left; look at a sample first.",
        ),
    ] = None,
    code: Annotated[str | None, typer.Option("--code", help="Only records that wait for this reason.")] = None,
    why: Annotated[str, typer.Option("--why", help="The reason, for those who read it later.")] = "",
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, max=MANY, help="How many to list; 20 if nothing is said, and all with --json."),
    ] = None,
) -> None:
    """List what a machine must not decide, or settle one record of it."""
    verdict, remote_id = _verdict(link, never, keep, create=create)
    may_reveal(reveal=reveal)
    with project(folder) as session:
        if link_lone_of:
            _link_lone(session, sync, link_lone_of, why, json=json)
            return
        if verdict:
            _settle(session, sync, key, verdict, remote_id, field, why)
            printer.print("Noted. The next run acts on it.") if not json else print_json({"noted": verdict})
            return
        at_most = limit if limit is not None or json else _SHOWN
        items = decide.list_held(
            session.store, sync=sync, key=key, kinds=_KINDS, code=code, limit=at_most, reveal=reveal
        )
        waiting = len(items) if key else _waiting(session, sync, code)
        if reveal:
            audited(session, "review --reveal", f"{sync or 'all syncs'}{f'/{key}' if key else ''}")
            items = review_reveal.with_values(session, items)
    if json:
        print_json({"waiting": waiting, "shown": len(items), "records": items})
        return
    for item in items:
        show_held(item)
    hint = f" More: --limit {waiting}, or one reason alone: --code CODE." if waiting > len(items) else ""
    printer.print(f"{len(items):,} of {waiting:,} shown.{hint}", markup=False)
    printer.print("Settle: careloom review SYNC KEY --link ID | --create | --never ID | --keep source|destination")


_SHOWN = 20
_KINDS = ("match", "conflict")
"""What a person decides; the other reasons are mended at the source or offered again."""


def _waiting(session: sessions.Session, sync: str | None, code: str | None) -> int:
    causes = decide.count_held(session.store, sync)
    return sum(cause["records"] for cause in causes if cause["kind"] in _KINDS and code in (None, cause["code"]))


def _link_lone(session: sessions.Session, sync: str | None, code: str, why: str, *, json: bool) -> None:
    if not sync:
        raise UsageFault(f"say which sync: careloom review SYNC --link-lone {code}")
    linked_count, remaining = decide.link_lone(session, chosen(session, sync)[0], code, why)
    if json:
        print_json({"linked": linked_count, "left": remaining})
    else:
        printer.print(
            f"{many(linked_count, 'record')} will be linked by the next run; {remaining:,} held for {code} are left."
        )


def _settle(
    session: sessions.Session,
    sync: str | None,
    key: str | None,
    verdict: str,
    remote_id: str | None,
    field: str | None,
    why: str,
) -> None:
    if not sync or not key:
        raise UsageFault("say which record: careloom review SYNC KEY …")
    decide.decide(session, chosen(session, sync)[0], key, verdict, remote_id=remote_id, prop=field, why=why)


def _verdict(link: str | None, never: str | None, keep: str | None, *, create: bool) -> tuple[str | None, str | None]:
    verdicts = [("link", link)] * bool(link) + [("never", never)] * bool(never) + [("create", None)] * create
    if keep:
        if keep not in ("source", "destination"):
            raise UsageFault(f"--keep takes source or destination, not {keep!r}")
        verdicts.append((keep, None))
    if len(verdicts) > 1:
        raise UsageFault("give one of --link, --create, --never and --keep")
    return verdicts[0] if verdicts else (None, None)
