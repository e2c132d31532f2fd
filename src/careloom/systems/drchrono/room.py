"""DrChrono's room: what it offers, by the kind "drchrono"; what does the work is loaded when it is opened."""

from __future__ import annotations

from careloom.core.hooks import Hooks, Token
from careloom.core.rooms import Authorization, Room, SimulatorOptions, Surroundings
from careloom.core.streams import StreamSource
from careloom.systems.drchrono import hooks, oauth, simulator, source
from careloom.systems.drchrono.options import Options
from careloom.systems.drchrono.streams import STREAMS


def open_streams(options: Options, surroundings: Surroundings) -> StreamSource:
    """The practice, to land streams from."""
    return source.DrChronoSource(options, surroundings)


def open_hooks(options: Options, surroundings: Surroundings) -> Hooks:
    """The practice, as one that calls us."""
    return hooks.DrChronoHooks(options, surroundings)


def authorize_url(options: Options, surroundings: Surroundings, redirect_uri: str, state: str) -> str:
    """The page on which the practice lets us in."""
    return oauth.authorize_url(options, surroundings, redirect_uri, state)


def exchange(options: Options, surroundings: Surroundings, redirect_uri: str, code: str) -> Token:
    """The first token pair, for the code that came back."""
    return oauth.exchange(options, surroundings, redirect_uri, code)


def simulate(options: SimulatorOptions) -> None:
    """Serve the simulated practice."""
    simulator.serve(options)


ROOM = Room(
    kind="drchrono",
    options=Options,
    streams=STREAMS,
    stream_source=open_streams,
    hooks=open_hooks,
    authorization=Authorization(url=authorize_url, exchange=exchange),
    simulate=simulate,
)
