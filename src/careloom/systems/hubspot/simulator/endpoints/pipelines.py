"""The pipelines API: the pipelines of an object and their stages."""

from __future__ import annotations

import uuid

from careloom.systems.hubspot.simulator.endpoints.request import Request
from careloom.systems.hubspot.simulator.portal.definitions import Pipeline, Stage
from careloom.systems.hubspot.simulator.responses import Json, Response, invalid, not_found

_SINCE = "2024-01-02T15:04:05.678Z"


def _pipeline(call: Request, pipeline: Pipeline) -> Json:
    return {
        "label": pipeline.label,
        "displayOrder": call.table.kind.pipelines.index(pipeline),
        "id": pipeline.id,
        "stages": [_stage(pipeline, stage) for stage in pipeline.stages],
        "createdAt": _SINCE,
        "updatedAt": _SINCE,
        "archived": False,
    }


def _stage(pipeline: Pipeline, stage: Stage) -> Json:
    return {
        "label": stage.label,
        "displayOrder": pipeline.stages.index(stage),
        "metadata": stage.metadata,
        "id": stage.id,
        "createdAt": _SINCE,
        "updatedAt": _SINCE,
        "archived": False,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
    }


def _named(call: Request) -> Pipeline:
    pipeline = next((one for one in call.table.kind.pipelines if one.id == call.places[1]), None)
    if pipeline is None:
        raise not_found()
    return pipeline


def _named_stage(call: Request) -> tuple[Pipeline, Stage]:
    pipeline = _named(call)
    stage = next((one for one in pipeline.stages if one.id == call.places[2]), None)
    if stage is None:
        raise not_found()
    return pipeline, stage


def _drafted(call: Request, given: Json) -> Stage:
    return Stage(
        id=str(given.get("stageId") or call.portal.dice.randrange(10**8, 10**9)),
        label=str(given.get("label")),
        metadata=dict(given.get("metadata") or {}),
    )


def _check_unused(call: Request, stages: set[str]) -> None:
    name = call.table.kind.stage_property
    if any(record.values.get(name) in stages for record in call.table.records.values()):
        raise invalid("There are records in this pipeline or stage: move or delete them first")


def listed(call: Request) -> Response:
    """The pipelines of an object."""
    return Response(200, {"results": [_pipeline(call, one) for one in call.table.kind.pipelines]})


def read(call: Request) -> Response:
    """One pipeline."""
    return Response(200, _pipeline(call, _named(call)))


def create(call: Request) -> Response:
    """Create a pipeline with its stages."""
    kind, given = call.table.kind, call.body
    if not kind.stage_property:
        raise invalid(f"{kind.plural} have no pipelines")
    pipeline = Pipeline(
        id=str(given.get("pipelineId") or uuid.UUID(int=call.portal.dice.getrandbits(128))),
        label=str(given.get("label")),
        stages=[_drafted(call, one) for one in given.get("stages") or ()],
    )
    kind.pipelines.append(pipeline)
    return Response(201, _pipeline(call, pipeline))


def replace(call: Request) -> Response:
    """Give a pipeline another label and other stages."""
    pipeline = _named(call)
    stages = [_drafted(call, one) for one in call.body.get("stages") or ()]
    _check_unused(call, {one.id for one in pipeline.stages} - {one.id for one in stages})
    pipeline.label, pipeline.stages = str(call.body.get("label", pipeline.label)), stages
    return Response(200, _pipeline(call, pipeline))


def change(call: Request) -> Response:
    """Change a pipeline's label."""
    pipeline = _named(call)
    pipeline.label = str(call.body.get("label", pipeline.label))
    return Response(200, _pipeline(call, pipeline))


def delete(call: Request) -> Response:
    """Delete a pipeline that no record is in."""
    pipeline = _named(call)
    _check_unused(call, {one.id for one in pipeline.stages})
    call.table.kind.pipelines.remove(pipeline)
    return Response(204)


def stages(call: Request) -> Response:
    """The stages of one pipeline."""
    pipeline = _named(call)
    return Response(200, {"results": [_stage(pipeline, one) for one in pipeline.stages]})


def read_stage(call: Request) -> Response:
    """One stage."""
    return Response(200, _stage(*_named_stage(call)))


def create_stage(call: Request) -> Response:
    """Add a stage to a pipeline."""
    pipeline, stage = _named(call), _drafted(call, call.body)
    pipeline.stages.append(stage)
    return Response(201, _stage(pipeline, stage))


def change_stage(call: Request) -> Response:
    """Change a stage's label and what it stands for."""
    pipeline, stage = _named_stage(call)
    stage.label = str(call.body.get("label", stage.label))
    stage.metadata = {**stage.metadata, **(call.body.get("metadata") or {})}
    return Response(200, _stage(pipeline, stage))


def delete_stage(call: Request) -> Response:
    """Delete a stage that no record is in."""
    pipeline, stage = _named_stage(call)
    _check_unused(call, {stage.id})
    pipeline.stages.remove(stage)
    return Response(204)
