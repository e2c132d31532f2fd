"""`careloom serve`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import typer

from careloom.cli.options import HERE, PORTS, Folder
from careloom.cli.project_session import settings
from careloom.cli.simulated_project import maybe_simulated
from careloom.core.errors import CareloomError
from careloom.services.operate import counts, simulate
from careloom.services.session import sessions
from careloom.web import app as web_app
from careloom.web import server
from careloom.worker import run

_EVERY = 10.0


def command(
    *,
    folder: Folder = HERE,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", envvar="PORT", help="The port to listen on; 0 takes a free one.", min=0, max=PORTS)
    ] = 8080,
    work: Annotated[
        bool, typer.Option("--work", help="Do the work in this process too, as `careloom work` does.")
    ] = False,
    sim: Annotated[
        bool, typer.Option("--sim", help="Simulate the project's systems on this machine; implies --work.")
    ] = False,
) -> None:
    """Receive webhooks and answer the scheduler, until Ctrl-C or SIGTERM."""
    listening = server.listener(host, port)
    address = f"http://{_display_host(host)}:{listening.getsockname()[1]}"
    stop = threading.Event()
    with closing(listening), maybe_simulated(folder.resolve(), settings(), address, sim=sim) as (session, systems):
        app = web_app.make_app(session, stop=stop)
        show = (lambda: simulate.live(session, systems, address, stop)) if systems else None
        with _beside(session, stop, show, work=work or sim):
            server.serve(app, listening, stop, lambda: _say_where(session, address, work=work or sim))


def _display_host(host: str) -> str:
    """The host as an address of this machine says it."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 a name


def _say_where(session: sessions.Session, address: str, *, work: bool) -> None:
    calling_systems = session.calling_systems()
    for name in session.project.systems:
        if name in calling_systems:
            typer.echo(f"webhooks of {name} come to {address}/webhooks/{name}", err=True)
    worker = "this process also does the work" if work else "the work is done by: careloom work"
    typer.echo(f"serving on {address}; {worker}; Ctrl-C stops", err=True)


@contextmanager
def _beside(
    session: sessions.Session, stop: threading.Event, show: Callable[[], None] | None, *, work: bool
) -> Iterator[None]:
    """The worker and the status line, in threads that end with the block."""
    threads: list[threading.Thread] = []
    if work:
        threads = [
            threading.Thread(target=run.work, args=(session,), kwargs={"stop": stop}, name="careloom work"),
            threading.Thread(target=_tell, args=(session, stop), name="careloom status"),
        ]
    if show is not None:
        threads.append(threading.Thread(target=show, name="careloom day"))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _tell(session: sessions.Session, stop: threading.Event) -> None:
    while not stop.wait(_EVERY):
        try:
            typer.echo(_status(session), err=True)
        except CareloomError as error:
            typer.echo(str(error), err=True)


def _status(session: sessions.Session) -> str:
    received_count, waiting, held_count, untold = counts.inbox_totals(session)
    landed_count, linked_count = counts.landed_rows(session), counts.linked_rows(session)
    return (
        f"received {received_count:,}   waiting {waiting:,}   held {held_count:,}   landed {landed_count:,}   linked {linked_count:,}   "
        f"to be published {untold:,}"
    )
