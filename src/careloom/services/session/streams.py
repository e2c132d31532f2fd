"""Which streams of a project are asked for, and which come with others."""

from __future__ import annotations

from careloom.core.streams import Stream
from careloom.project.model import Landing
from careloom.services.session.sessions import Session


def scannable(session: Session) -> list[str]:
    """The landings to scan so that every stream that can be asked for is read once."""
    names: dict[tuple[str, str], str] = {}
    for landing in session.project.landings.values():
        if session.tells_when_asked(landing.system):
            names.setdefault((landing.system, root_stream(session, landing).name), landing.name)
    return list(names.values())


def root_stream(session: Session, landing: Landing) -> Stream:
    """The stream whose pages hold the records of `landing`: its own, or the one that it is `out_of`."""
    landings = session.project.landings.values()
    own_streams = {member.stream.name: member.stream for member in landings if member.system == landing.system}
    streams = {**session.streams(landing.system), **own_streams}
    stream = landing.stream
    while stream.out_of and stream.out_of in streams:
        stream = streams[stream.out_of]
    return stream
