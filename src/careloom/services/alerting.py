"""Mail when a run fails: what failed, the steps it took, and how far it got. No people in it."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

from careloom.core.log import LOG
from careloom.project.model import Mail, Project
from careloom.services.opening import Opened
from careloom.store.attempts import Attempts

_TIMEOUT = 20.0


def alert_failure(opened: Opened, name: str, message: str, *, kind: str = "sync") -> bool:
    """Mail that `kind` of `name` failed, if the project says to whom; True if a mail went out. Never raises: the failure stands."""
    mail = opened.project.alerts.mail
    if mail is None:
        return False
    try:
        latest = Attempts(opened.store).recent(name=name, limit=1)
        letter = failure_mail(opened.project, kind, name, message, latest)
        _send(mail, opened.settings.secret(mail.smtp), letter)
    except Exception as error:  # noqa: BLE001 whatever stops a mail must not hide the failure that it tells of
        LOG.error("alert not sent", kind=kind, name=name, error=type(error).__name__)
        return False
    return True


def alert_job(opened: Opened, job: str, subject: str, reason: str) -> bool:
    """Mail that a job of the worker goes on failing; True if a mail went out. Never raises."""
    mail = opened.project.alerts.mail
    if mail is None:
        return False
    try:
        _send(mail, opened.settings.secret(mail.smtp), job_mail(told_name(opened.project), job, subject, reason))
    except Exception as error:  # noqa: BLE001 likewise
        LOG.error("alert not sent", job=job, subject=subject, error=type(error).__name__)
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


def alert_landing(opened: Opened, kind: str, stream: str, message: str) -> bool:
    """Mail that a landing failed which did not fail the time before: a scheduler may try it every few minutes."""
    before = Attempts(opened.store).recent(kind=kind, name=stream, limit=2)[1:]
    if before and before[0]["state"] in ("failed", "interrupted"):
        return False
    return alert_failure(opened, stream, message, kind=kind)


def failure_mail(
    project: Project, kind: str, name: str, message: str, attempts: Sequence[Mapping[str, Any]]
) -> EmailMessage:
    """The mail, without its addresses. `message` comes from an error of ours, which never holds a person's data."""
    mail = EmailMessage()
    what = name if kind == "sync" else f"{kind} {name}"
    mail["Subject"] = f"careloom: {what} of {told_name(project)} failed"
    zone = project.timezone
    lines = [f"The {kind} {name} of the project {told_name(project)} failed:", "", message, ""]
    for one in attempts:
        counts = ", ".join(f"{end} {number}" for end, number in one["counts"].items()) or "nothing yet"
        which = "It failed before it began to read" if one["run"] is None else f"Run {one['run']}"
        started = one["started_at"].astimezone(zone)
        lines += [
            f"{which}; started {started:%Y-%m-%d %H:%M} ({zone.key}), {one['state']}.",
            f"How far it got: {counts}; {one['requests'] or 0} requests.",
            "Steps: " + (", ".join(one["steps"]) or "none") + ".",
            "",
        ]
    lines += ["What was acknowledged is kept; the next run goes on from there.", f"See: careloom runs {name}"]
    mail.set_content("\n".join(lines))
    return mail


def _send(mail: Mail, url: str, message: EmailMessage) -> None:
    """Send through `url`, of the form smtp://host:port, smtps://… or smtp+starttls://user:password@host:port."""
    parts = urlsplit(url)
    message["From"], message["To"] = mail.sender, ", ".join(mail.to)
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
