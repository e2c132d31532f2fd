"""DrChrono's room: what it offers, by the kind "drchrono"; what does the work is loaded when it is opened."""

from __future__ import annotations

from careloom.core.rooms import Authorization, Room, RoomContext, SimulatorOptions
from careloom.core.streams import StreamSource
from careloom.core.tokens import Token
from careloom.core.webhooks import Webhooks
from careloom.systems.drchrono import oauth, simulator, source, webhooks
from careloom.systems.drchrono.options import Options
from careloom.systems.drchrono.streams import STREAMS


def open_streams(options: Options, context: RoomContext) -> StreamSource:
    """The practice, to land streams from."""
    return source.DrChronoSource(options, context)


def open_webhooks(options: Options, context: RoomContext) -> Webhooks:
    """The practice, as one that calls us."""
    return webhooks.DrChronoWebhooks(options, context)


def authorize_url(options: Options, context: RoomContext, redirect_uri: str, state: str) -> str:
    """The page on which the practice lets us in."""
    return oauth.authorize_url(options, context, redirect_uri, state)


def exchange(options: Options, context: RoomContext, redirect_uri: str, code: str) -> Token:
    """The first token pair, for the code that came back."""
    return oauth.exchange(options, context, redirect_uri, code)


def simulate(options: SimulatorOptions) -> None:
    """Serve the simulated practice."""
    simulator.serve(options)


ROOM = Room(
    kind="drchrono",
    options=Options,
    streams=STREAMS,
    stream_source=open_streams,
    webhooks=open_webhooks,
    authorization=Authorization(url=authorize_url, exchange=exchange),
    simulate=simulate,
)
