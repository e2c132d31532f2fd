"""`careloom sim`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from careloom.cli.completion import simulator_kinds
from careloom.cli.options import MANY, PORTS
from careloom.core import rooms as core_rooms
from careloom.core.errors import UsageFault
from careloom.services.session import kinds

SHARED = "CARELOOM_SIM_"
"""The environment's names of what a simulator and its project must share: CARELOOM_SIM_ and the room's option."""


def command(
    kind: Annotated[
        str, typer.Argument(help="The kind of system to simulate.", metavar="KIND", autocompletion=simulator_kinds)
    ],
    *,
    port: Annotated[
        int, typer.Option("--port", help="The port to listen on; 0 takes a free one.", min=0, max=PORTS)
    ] = 0,
    host: Annotated[
        str, typer.Option("--host", help="The address to listen on; control endpoints work on loopback only.")
    ] = "127.0.0.1",
    tier: Annotated[str, typer.Option("--tier", help="The subscription whose limits hold; see the reference.")] = "",
    latency_ms: Annotated[
        int, typer.Option("--latency-ms", help="Milliseconds that every answer takes.", min=0, max=MANY)
    ] = 0,
    contacts: Annotated[
        Path | None, typer.Option("--contacts", help="Records to begin with, one JSON object a line.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Makes chance repeatable.", min=0, max=2**63 - 1)] = 1,
    hooks_url: Annotated[
        str,
        typer.Option("--hooks-url", help="Where it sends its webhooks: ADDRESS/webhooks/SYSTEM of `careloom serve`."),
    ] = "",
) -> None:
    """Serve a vendor's simulator until Ctrl-C."""
    simulators = {name: room for name, room in kinds.rooms().items() if room.simulate}
    if kind not in simulators or (serve := simulators[kind].simulate) is None:
        raise UsageFault(f"there is no simulator of {kind!r}; there are: {', '.join(simulators)}")
    if contacts is not None and not contacts.is_file():
        raise UsageFault(f"{contacts} is not a file")
    secrets = {
        name.removeprefix(SHARED).lower(): value
        for name, value in os.environ.items()
        if name.startswith(SHARED) and value
    }
    serve(
        core_rooms.SimulatorOptions(
            host=host,
            port=port,
            tier=tier,
            latency_ms=latency_ms,
            records=contacts,
            seed=seed,
            hooks_url=hooks_url,
            secrets=secrets,
        )
    )
