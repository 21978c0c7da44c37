"""Measures the networks of an architecture search's Pareto front on the device, each packed
untrained, as families are before a search; the page of trials shows what was measured."""

from collections.abc import Mapping, Sequence

from stages.artifacts import Model
from stages.closure import Code, code_of
from stages.config import PipelineConfig
from stages.config.device import HERE, Device, DeviceCost
from stages.deploy.device.device_limits import network_spec
from stages.deploy.device.machine import processor
from stages.deploy.device.measuring import CannotRun, Unmeasured, measured
from stages.deploy.device.untrained_network import packed, windows_of
from stages.evaluate.trials.pareto import ParetoPoint
from stages.memo import CachedContent
from stages.parts import ENGINES
from stages.resources import Resources
from stages.store import Store
from stages.train.search.search_space import inputs_by_name

Costs = Mapping[int, DeviceCost]  # by the number of a trial


def measured_points(
    model: Model,
    pipelines: Sequence[tuple[ParetoPoint, PipelineConfig]],
    store: Store,
    resources: Resources,
) -> Costs:
    """The cost of each point on its device; `pipelines`: each point with the pipeline that packs
    it. A figure that could not be measured is empty, and `why` says so. Cached, unless the device
    is one that may still be added."""
    device = pipelines[0][1].train.device
    if found := measured_before(model, device, store):
        return found
    costs, is_final = {}, True
    for point, pipeline in pipelines:
        cost, is_lasting = _cost(model, point, pipeline, store, resources)
        costs[point.row.number] = cost
        is_final = is_final and is_lasting
    if is_final:
        facts = {str(number): cost.model_dump() for number, cost in costs.items()}
        store.memo.keep(_key(model, device), _code(), CachedContent(facts))
    return costs


def measured_before(model: Model, device: Device, store: Store) -> Costs:
    """What `measured_points` has measured of the search that found `model`; empty if nothing."""
    found = store.memo.find(_key(model, device), _code())
    return _read(found) if found else {}


def _cost(
    model: Model,
    point: ParetoPoint,
    pipeline: PipelineConfig,
    store: Store,
    resources: Resources,
) -> tuple[DeviceCost, bool]:
    """The cost of `point`, and whether measuring it again would not change it."""
    spec = network_spec(pipeline, len(model.labels))
    model_input = inputs_by_name(pipeline.train)[point.row.input]
    network = packed(model_input, spec, store, resources)
    if network.why:
        return DeviceCost(input=model_input.name, why=network.why), True
    shape = windows_of(model_input, spec.task).shape[1:]
    try:
        cost = measured(
            model_input.name,
            network.network,
            network.numeric,
            shape,
            pipeline.train.device.profile,
            ENGINES[spec.engine],
            store=store,
            resources=resources,
        )
    except (CannotRun, Unmeasured) as error:
        size = round(sum(map(len, network.network.values())) / 1e6, 6)
        cost = DeviceCost(
            input=model_input.name, numeric=network.numeric, size_mb=size, why=error.problem
        )
        return cost, isinstance(error, CannotRun)
    return cost, True


def _key(model: Model, device: Device) -> list[str]:
    where = processor() if device.profile == HERE else device.profile
    return ["measured points", model.ref.id, where]


def _code() -> Code:
    return code_of("stages.deploy.device.untrained_network", "stages.deploy.device.measuring")


def _read(content: CachedContent) -> Costs:
    return {int(number): DeviceCost.model_validate(cost) for number, cost in content.facts.items()}
