"""Before a run writes: what the other side lacks is created there."""

from __future__ import annotations

from dataclasses import replace

from careloom.core.log import LOG
from careloom.core.ports import declaring
from careloom.services.session.progress import Watch
from careloom.services.sync.mirror import absent_properties
from careloom.services.sync.prepare import PreparedSync


def declare_missing(context: PreparedSync, watch: Watch) -> PreparedSync:
    """Create the object and the properties that are lacking; the context that lacks nothing any more."""
    if context.lacking:
        watch.progress.step(f"creating in {context.sync.to.system} what it lacks ({len(context.lacking)})")
        for line in declaring(context.target, context.sync.to.system, context.lacking).declare(context.declaration):
            LOG.info(
                "schema.declared", message="a property or an object was declared", sync=context.sync.name, what=line
            )
        context.mirror.learn(sorted(absent_properties(context)))
        if context.lost_properties:
            context.ledger.forget_properties(context.lost_properties)
    return replace(context, lacking=(), lost_properties=())
