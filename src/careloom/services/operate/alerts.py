"""Mail when a run fails, and of what waits: what failed, the steps it took, how far it got. No people in it."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

from careloom.core.attempts import Kind
from careloom.core.errors import Later
from careloom.core.log import LOG
from careloom.project.model import Mail, Project
from careloom.services.review.backlog import BacklogEntry, backlog
from careloom.services.session.attempts import attempt
from careloom.services.session.sessions import Session
from careloom.store.attempts import Attempts
from careloom.store.landing_held import Drift, drift_of

_TIMEOUT = 20.0
_SEVERAL = 2
_DAYS = 48
"""From so many hours on, an age is told in days."""


def alert_failure(session: Session, name: str, message: str, *, kind: str = "sync") -> bool:
    """Mail that `kind` of `name` failed, if the project says to whom; True if a mail went out. Never raises: the failure stands."""
    mail = session.project.alerts.mail
    if mail is None:
        return False
    try:
        latest = Attempts(session.store).recent(name=name, limit=1)
        letter = failure_mail(session.project, kind, name, message, latest)
        _send(mail, session.settings.secret(mail.smtp), letter)
    except Exception as error:  # noqa: BLE001 whatever stops a mail must not hide the failure that it tells of
        LOG.error("alert.failed", message="an alert was not sent", kind=kind, name=name, error=type(error).__name__)
        return False
    return True


def alert_job(session: Session, job: str, subject: str, reason: str) -> bool:
    """Mail that a job of the worker keeps failing; True if a mail went out. Never raises."""
    mail = session.project.alerts.mail
    if mail is None:
        return False
    try:
        _send(mail, session.settings.secret(mail.smtp), job_mail(told_name(session.project), job, subject, reason))
    except Exception as error:  # noqa: BLE001 likewise
        LOG.error("alert.failed", message="an alert was not sent", job=job, subject=subject, error=type(error).__name__)
        return False
    return True


def told_name(project: Project) -> str:
    """The project's name, and in which environment: "clinic [staging]"."""
    return f"{project.name} [{project.environment}]" if project.environment else project.name


def job_mail(project: str, job: str, subject: str, reason: str) -> EmailMessage:
    """The mail, without its addresses. `reason` comes from an error of ours, or is the name of another's."""
    mail = EmailMessage()
    mail["Subject"] = f"careloom: {job} {subject} of {project} fails"
    lines = [
        f"The worker's job {job} {subject} of the project {project} fails:",
        "",
        reason,
        "",
        "It is tried again by itself, each time after a longer while. Nothing that came in meanwhile is lost.",
        "You hear of it again only after it has worked once. See: careloom doctor; careloom runs",
    ]
    mail.set_content("\n".join(lines))
    return mail


def alert_landing(session: Session, kind: str, stream: str, message: str) -> bool:
    """Mail that a landing failed which did not fail the time before: a scheduler may try it every few minutes."""
    former_attempts = Attempts(session.store).recent(kind=kind, name=stream, limit=2)[1:]
    if former_attempts and former_attempts[0]["state"] in ("failed", "interrupted"):
        return False
    return alert_failure(session, stream, message, kind=kind)


def mail_summary(session: Session) -> Mapping[str, int]:
    """Mail what waits in the project, by cause; how much it is. Later if the mail cannot be sent."""
    mail = session.project.alerts.mail
    if mail is None:
        return {}
    with attempt(session, Kind.summary, session.project.name) as entry:
        # That the last one could not be mailed is over when this one is.
        itself = f"{Kind.summary}:{session.project.name}"
        waits = [wait for wait in backlog(session) if (wait.what, wait.where) != ("job", itself)]
        drifts = {name: drift_of(session.store, name) for name in session.project.landings}
        letter = summary_mail(session.project, waits, drifts, session.clock())
        try:
            _send(mail, session.settings.secret(mail.smtp), letter)
        except OSError as error:  # smtplib's own errors are of this kind
            raise Later(f"the mail server did not take the summary ({type(error).__name__})") from error
        entry.counts = {"waiting": sum(wait.number for wait in waits)}
    return entry.counts


def summary_mail(
    project: Project, waits: Sequence[BacklogEntry], drifts: Mapping[str, Sequence[Drift]], now: datetime
) -> EmailMessage:
    """The mail, without its addresses: counts, names of streams, reasons and columns; never a key, never a value."""
    mail = EmailMessage()
    number = sum(wait.number for wait in waits)
    mail["Subject"] = f"careloom: {number or 'nothing'} {'waits' if number < _SEVERAL else 'wait'} in {project.name}"
    lines = [f"What waits in the project {project.name}, the oldest first:" if waits else "Nothing is held.", ""]
    for wait in waits:
        column = f" ({wait.column})" if wait.column else ""
        age = f", the oldest for {_age(now - wait.oldest)}" if wait.oldest else ""
        reason = f"{wait.number} {wait.code or 'failed'}{column}{age}"
        lines.append(f"{wait.what} of {wait.where}: {reason}. See: {wait.command}")
    pairs = [(name, drift) for name, stream_drifts in drifts.items() for drift in stream_drifts]
    if pairs:
        lines += ["", "Not held: records that landed without a value, which their raw form keeps:", ""]
        for name, drift in pairs:
            kind = f" {drift.kind}" if drift.kind else ""
            lines.append(
                f"{drift.records} of {name}: {drift.column} came as{kind} {drift.code}. See: careloom held --stream {name}"
            )
    mail.set_content("\n".join([*lines, "", "All of it: careloom held"]))
    return mail


def _age(age: timedelta) -> str:
    hours = max(0, int(age.total_seconds() // 3600))
    return f"{hours // 24} days" if hours >= _DAYS else f"{hours} hour{'' if hours == 1 else 's'}"


def failure_mail(
    project: Project, kind: str, name: str, message: str, attempts: Sequence[Mapping[str, Any]]
) -> EmailMessage:
    """The mail, without its addresses. `message` comes from an error of ours, which never holds a person's data."""
    mail = EmailMessage()
    subject = name if kind == "sync" else f"{kind} {name}"
    mail["Subject"] = f"careloom: {subject} of {told_name(project)} failed"
    zone = project.timezone
    lines = [f"The {kind} {name} of the project {told_name(project)} failed:", "", message, ""]
    for entry in attempts:
        counts = ", ".join(f"{end} {number}" for end, number in entry["counts"].items()) or "nothing yet"
        heading = "It failed before it began to read" if entry["run"] is None else f"Run {entry['run']}"
        start = entry["started_at"].astimezone(zone)
        lines += [
            f"{heading}; started {start:%Y-%m-%d %H:%M} ({zone.key}), {entry['state']}.",
            f"How far it got: {counts}; {entry['requests'] or 0} requests.",
            "Steps: " + (", ".join(entry["steps"]) or "none") + ".",
            "",
        ]
    lines += ["What was acknowledged is kept; the next run continues from there.", f"See: careloom runs {name}"]
    mail.set_content("\n".join(lines))
    return mail


def _send(mail: Mail, url: str, message: EmailMessage) -> None:
    """Send through `url`, of the form smtp://host:port, smtps://… or smtp+starttls://user:password@host:port."""
    parts = urlsplit(url)
    message["From"], message["To"] = mail.sender, ", ".join(mail.recipients)
    host = parts.hostname or "localhost"
    if parts.scheme == "smtps":
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            host, parts.port or 465, timeout=_TIMEOUT, context=ssl.create_default_context()
        )
    else:
        client = smtplib.SMTP(host, parts.port or 25, timeout=_TIMEOUT)
    with client:
        if parts.scheme == "smtp+starttls":
            client.starttls(context=ssl.create_default_context())
        if parts.username:
            client.login(unquote(parts.username), unquote(parts.password or ""))
        client.send_message(message)
