"""The pipelines API: the pipelines of an object and their stages."""

from __future__ import annotations

import uuid

from careloom.systems.hubspot.simulator.endpoints.request import Request
from careloom.systems.hubspot.simulator.portal.definitions import Pipeline, Stage
from careloom.systems.hubspot.simulator.responses import Json, Response, invalid, not_found

_SINCE = "2024-01-02T15:04:05.678Z"


def _pipeline(request: Request, pipeline: Pipeline) -> Json:
    return {
        "label": pipeline.label,
        "displayOrder": request.table.kind.pipelines.index(pipeline),
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


def _pipeline_of_path(request: Request) -> Pipeline:
    pipeline = next(
        (pipeline_ for pipeline_ in request.table.kind.pipelines if pipeline_.id == request.places[1]), None
    )
    if pipeline is None:
        raise not_found()
    return pipeline


def _stage_of_path(request: Request) -> tuple[Pipeline, Stage]:
    pipeline = _pipeline_of_path(request)
    stage = next((stage for stage in pipeline.stages if stage.id == request.places[2]), None)
    if stage is None:
        raise not_found()
    return pipeline, stage


def _new_stage(request: Request, body: Json) -> Stage:
    return Stage(
        id=str(body.get("stageId") or request.portal.rng.randrange(10**8, 10**9)),
        label=str(body.get("label")),
        metadata=dict(body.get("metadata") or {}),
    )


def _check_unused(request: Request, stages: set[str]) -> None:
    name = request.table.kind.stage_property
    if any(record.values.get(name) in stages for record in request.table.records.values()):
        raise invalid("There are records in this pipeline or stage: move or delete them first")


def get_all(request: Request) -> Response:
    """The pipelines of an object."""
    return Response(200, {"results": [_pipeline(request, pipeline) for pipeline in request.table.kind.pipelines]})


def read(request: Request) -> Response:
    """One pipeline."""
    return Response(200, _pipeline(request, _pipeline_of_path(request)))


def create(request: Request) -> Response:
    """Create a pipeline with its stages."""
    kind, body = request.table.kind, request.body
    if not kind.stage_property:
        raise invalid(f"{kind.plural} have no pipelines")
    pipeline = Pipeline(
        id=str(body.get("pipelineId") or uuid.UUID(int=request.portal.rng.getrandbits(128))),
        label=str(body.get("label")),
        stages=[_new_stage(request, stage) for stage in body.get("stages") or ()],
    )
    kind.pipelines.append(pipeline)
    return Response(201, _pipeline(request, pipeline))


def replace(request: Request) -> Response:
    """Give a pipeline another label and other stages."""
    pipeline = _pipeline_of_path(request)
    stages = [_new_stage(request, stage) for stage in request.body.get("stages") or ()]
    _check_unused(request, {stage.id for stage in pipeline.stages} - {stage.id for stage in stages})
    pipeline.label, pipeline.stages = str(request.body.get("label", pipeline.label)), stages
    return Response(200, _pipeline(request, pipeline))


def change(request: Request) -> Response:
    """Change a pipeline's label."""
    pipeline = _pipeline_of_path(request)
    pipeline.label = str(request.body.get("label", pipeline.label))
    return Response(200, _pipeline(request, pipeline))


def delete(request: Request) -> Response:
    """Delete a pipeline that no record is in."""
    pipeline = _pipeline_of_path(request)
    _check_unused(request, {stage.id for stage in pipeline.stages})
    request.table.kind.pipelines.remove(pipeline)
    return Response(204)


def stages(request: Request) -> Response:
    """The stages of one pipeline."""
    pipeline = _pipeline_of_path(request)
    return Response(200, {"results": [_stage(pipeline, stage) for stage in pipeline.stages]})


def read_stage(request: Request) -> Response:
    """One stage."""
    return Response(200, _stage(*_stage_of_path(request)))


def create_stage(request: Request) -> Response:
    """Add a stage to a pipeline."""
    pipeline, stage = _pipeline_of_path(request), _new_stage(request, request.body)
    pipeline.stages.append(stage)
    return Response(201, _stage(pipeline, stage))


def change_stage(request: Request) -> Response:
    """Change a stage's label and what it stands for."""
    pipeline, stage = _stage_of_path(request)
    stage.label = str(request.body.get("label", stage.label))
    stage.metadata = {**stage.metadata, **(request.body.get("metadata") or {})}
    return Response(200, _stage(pipeline, stage))


def delete_stage(request: Request) -> Response:
    """Delete a stage that no record is in."""
    pipeline, stage = _stage_of_path(request)
    _check_unused(request, {stage.id})
    pipeline.stages.remove(stage)
    return Response(204)
