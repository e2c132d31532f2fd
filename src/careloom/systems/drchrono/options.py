"""What a project writes under `systems:` for a DrChrono application."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

BulkStream = Literal["patients", "appointments", "clinical_notes", "line_items"]


class LimitOptions(BaseModel):
    """The application's rate limits; the vendor's answers state none of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hourly: int = Field(default=500, ge=1, description="At most so many calls in an hour, over all workers.")
    secondly: int = Field(default=9, ge=1, description="At most so many calls in a second; the tenth is throttled.")


class PageOptions(BaseModel):
    """How many records are asked for at once; DrChrono states no limits for most of these."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default: int = Field(default=100, ge=1, le=250, description="Streams that have no own number here.")
    patients: int = Field(default=50, ge=1, le=250, description="Patients with all their fields; 50 is the most.")
    appointments: int = Field(default=25, ge=1, le=250, description="Appointments with all fields; 25 is the most.")
    clinical_notes: int = Field(default=20, ge=1, le=250, description="Clinical notes, which DrChrono gives slowly.")
    bulk: int = Field(default=1000, ge=1, le=1000, description="A page of an asynchronous list; 1000 is the most.")


class Options(BaseModel):
    """A DrChrono API application."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str = Field(min_length=1, description="The API application's client id, or the name of its secret.")
    client_secret: str = Field(
        min_length=1, description='Its client secret, by the name of its secret: "secret:drchrono-client-secret".'
    )
    webhook_secret: str = Field(
        default="",
        description="The webhook's secret token, by the name of its secret. Empty: no webhook is accepted.",
    )
    base_url: str = Field(
        default="https://app.drchrono.com",
        pattern=r"^https?://",
        description="Where the API answers: DrChrono itself, or a simulator such as http://127.0.0.1:8902.",
    )
    version: str = Field(default="v4", pattern=r"^v\d+$", description="The API version, sent with every call.")
    redirect_uri: str = Field(
        default="",
        description="The redirect URI registered for the application; empty takes that of `careloom connect`.",
    )
    scopes: str = Field(
        default="user:read calendar:read patients:read clinical:read billing:read",
        description="What `careloom connect` asks for; this room only reads.",
    )
    limits: LimitOptions = Field(default_factory=LimitOptions, description="Rate limits of the application.")
    pages: PageOptions = Field(default_factory=PageOptions, description="Sizes of pages.")
    bulk: bool = Field(default=True, description="Use the asynchronous lists for first loads and reconciles.")
    bulk_streams: tuple[BulkStream, ...] = Field(
        default=("patients", "appointments", "line_items"), description="The streams whose asynchronous lists are used."
    )
    bulk_poll_seconds: float = Field(
        default=1.0, gt=0, le=60, description="The first wait for an asynchronous list; it grows to 30 times of this."
    )
    bulk_patience_seconds: float = Field(
        default=600.0, gt=0, description="After so long the wait for an asynchronous list goes on in a later run."
    )
    floor: date = Field(
        default=date(2024, 1, 1),
        description="Appointments, clinical notes and line items are read from this day on.",
    )
    ahead_days: int = Field(default=366, ge=0, description="Appointments are read so many days into the future.")
    window_days: int = Field(default=180, ge=1, le=190, description="Days asked for at once; DrChrono admits 190.")
    overlap_seconds: float = Field(
        default=120.0, ge=0, description="Reads for changes begin so much earlier: answers may be seconds old."
    )
    event_content_types: tuple[str, ...] = Field(
        default=("application/json",), description="What a webhook's body may be; one without a type is accepted too."
    )
    timeout_seconds: float = Field(
        default=60.0, gt=0, le=600, description="How long an answer may take before it counts as lost."
    )
