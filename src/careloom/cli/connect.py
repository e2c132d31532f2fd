"""`careloom connect`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Annotated

import typer

from careloom.cli.options import HERE, PORTS, Folder
from careloom.cli.project_session import audited, project
from careloom.core.errors import Fix, UsageFault
from careloom.services.operate import connect
from careloom.services.session import sessions

PATH = "/connected"
PAGE = b"<!doctype html><title>careloom</title><p>careloom has the answer. You can close this page."


def command(
    system: Annotated[str, typer.Argument(help="The system, by its name in careloom.yaml.", metavar="SYSTEM")],
    *,
    folder: Folder = HERE,
    code: Annotated[
        str | None, typer.Option("--code", help="The code, or the address that holds it, where one is at hand already.")
    ] = None,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Keep the token pair on standard input: a token endpoint's JSON.")
    ] = False,
    port: Annotated[
        int, typer.Option("--port", help="The port of this machine that the answer is sent to.", min=1, max=PORTS)
    ] = 8912,
    paste: Annotated[
        bool, typer.Option("--paste", help="Ask for the answer instead of listening for it: for a machine far away.")
    ] = False,
) -> None:
    """Let careloom into a system, once; the token pair is kept encrypted and shown to no one."""
    with project(folder) as session:
        if token_stdin:
            connect.keep_given(session, system, sys.stdin.buffer.read())
        else:
            invitation = connect.invite(session, system, f"http://127.0.0.1:{port}{PATH}")
            connect.connect(session, system, invitation, _code(invitation, code, paste=paste))
        _print_findings(session, system)


def _code(invitation: connect.Invitation, answer: str | None, *, paste: bool) -> str:
    if answer is not None:
        # It answers an earlier invitation, whose state only its giver knows.
        return connect.code_in(answer, None)
    typer.echo(f"Open this page, and allow it:\n\n  {invitation.url}\n")
    if invitation.loopback is None or paste:
        typer.echo("The browser is then sent to an address that begins with the redirect address; paste it whole.")
        return connect.code_in(_read_pasted(), invitation.state)
    return connect.code_in(_wait_for_redirect(invitation), invitation.state)


def _read_pasted() -> str:
    answer = sys.stdin.readline()
    if not answer:
        raise UsageFault("nothing was pasted; give the answer with --code")
    return answer


def _wait_for_redirect(invitation: connect.Invitation) -> str:
    """The first request on the redirect's path that answers an invitation; browsers also ask for icons."""
    with _listening(invitation) as server:
        typer.echo(f"Waiting for the answer at {invitation.redirect} (Ctrl-C gives up; --paste where it cannot arrive)")
        while not server.answers:
            server.handle_request()
    return server.answers[0]


class _CallbackServer(HTTPServer):
    """Keeps the answers that came."""

    def __init__(self, address: tuple[str, int], path: str) -> None:
        super().__init__(address, _Handler)
        self.path = path
        self.answers: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    """Takes one answer; logs nothing, since its address holds the code."""

    server: _CallbackServer
    timeout = 10

    def do_GET(self) -> None:
        """The browser, sent back."""
        path, _, query = self.path.partition("?")
        is_callback = path == self.server.path and ("code=" in query or "error=" in query)
        self.send_response(200 if is_callback else 404)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("referrer-policy", "no-referrer")
        self.end_headers()
        if is_callback:
            self.wfile.write(PAGE)
            self.server.answers.append(self.path)

    def log_message(self, *_args: object) -> None:
        """Nothing."""


@contextmanager
def _listening(invitation: connect.Invitation) -> Iterator[_CallbackServer]:
    host, port = invitation.loopback or ("", 0)
    path = "/" + invitation.redirect.split("://", 1)[-1].partition("/")[2]
    try:
        server = _CallbackServer((host, port), path)
    except OSError as error:
        raise Fix(
            f"cannot listen on port {port} ({error.strerror}); choose another with --port, or use --paste"
        ) from None
    with server:
        yield server


def _print_findings(session: sessions.Session, system: str) -> None:
    audited(session, "connect", system)
    typer.echo(f"{system} is connected; its token is kept sealed, and refreshed by itself")
