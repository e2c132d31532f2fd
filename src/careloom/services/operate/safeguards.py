"""What `doctor` says of the safeguards: the audit, the role in the database, who may call."""

from __future__ import annotations

from collections.abc import Iterator

from careloom.core.ports import Finding
from careloom.project.model import Project
from careloom.services.session.settings import Settings
from careloom.store.audit import Verification, verify_audit
from careloom.store.database import Store
from careloom.store.roles import running_role

_FIND_OUT = "restore a backup and find out who; each row was logged when it was written (`the audit grew`)"
_LOST = {
    "end": "its last rows were removed after they were written; {rows} are left",
    "whole": "all its rows were removed after they were written",
    "head": "what is kept of its end was changed apart from it",
}


def audit_findings(store: Store) -> Iterator[Finding]:
    """Whether the chain of who saw and decided what is whole, as far as its anchors tell."""
    verification = verify_audit(store)
    if verification.broken_row is not None:
        detail = f"row {verification.broken_row} was changed or removed after it was written"
        yield Finding(level="fault", what="audit", detail=detail, fix=_FIND_OUT)
    elif verification.loss:
        yield Finding(
            level="fault", what="audit", detail=_LOST[verification.loss].format(rows=verification.rows), fix=_FIND_OUT
        )
    elif verification.has_seal is False:
        yield Finding(
            level="fault",
            what="audit",
            detail=f"{verification.rows} rows in a chain, whose end does not bear this key's seal",
            fix="give every process the same CARELOOM_SEAL_KEY; if all have it, rows were cut off: compare with the log",
        )
    else:
        yield Finding(level="ok", what="audit", detail=_whole(verification))


def _whole(verification: Verification) -> str:
    ending = ", the end sealed" if verification.has_seal else ""
    return f"{verification.rows} rows, each following from the one before{ending}"


def role_findings(store: Store, settings: Settings) -> Iterator[Finding]:
    """Whether this process's role of the database may do more than its part. An embedded server has one role only."""
    if settings.database_url is None:
        return
    role = running_role(store)
    if role.superuser or role.makes_roles:
        power = "is a superuser, who can switch the audit's safeguards off" if role.superuser else "may make roles"
        fix = "careloom migrate --roles, then connect as a login that is a member of careloom_worker"
        yield Finding(level="warn", what="database role", detail=f"the role of this process {power}", fix=fix)


def caller_findings(project: Project, settings: Settings) -> Iterator[Finding]:
    """Whether tokens of the project's callers can be told from those that they gave to other services."""
    if project.service.callers and not project.service.audience and not settings.environment.get("K_SERVICE"):
        detail = "`service:` names callers and no audience; `careloom serve` starts so on Cloud Run only"
        yield Finding(level="warn", what="service", detail=detail, fix="write service: {audience: https://YOUR-HOST}")
