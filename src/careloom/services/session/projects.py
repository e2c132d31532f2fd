"""A project as its files say it, before anything is opened; and its types, for the doors that name them."""

from __future__ import annotations

from pathlib import Path

from careloom.project.loader import PROJECT_FILE, load_project
from careloom.project.model import Project, Sync
from careloom.services.session.kinds import rooms

__all__ = ["PROJECT_FILE", "Project", "Sync", "load"]


def load(folder: Path, env: str = "") -> Project:
    """The project in `folder`, for the environment `env`. ProjectFault with all that is wrong in its files."""
    return load_project(folder, rooms(), env)
