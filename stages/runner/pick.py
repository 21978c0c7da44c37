"""Packs another point of the Pareto front of a run's architecture search, without a new search: a
pipeline that trains that trial alone (`train.picked`)."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

from stages.artifacts import Model
from stages.config import PipelineConfig, checked
from stages.config.device import Device
from stages.deploy.device.device_limits import network_spec
from stages.deploy.device.untrained_network import packed
from stages.deploy.engines import size_of
from stages.evaluate.trials import trials_of
from stages.evaluate.trials.pareto import ParetoPoint, nondominated, points_of
from stages.opening import open_store, resources_of
from stages.runner.lock import Lock, read_lock
from stages.runner.measured_points import Costs, measured_points
from stages.runtime.errors import ConfigError
from stages.settings import Settings
from stages.store import Store
from stages.train.search.search_space import inputs_by_name

KILOBYTE, MEGABYTE = 1e3, 1e6  # bytes


class Wanted(NamedTuple):
    """What the picked network may have at most; None: any number. `size_kb`: its file as it is
    packed, in kilobytes; `parameters`, `macs`: of all folds together."""

    size_kb: float | None = None
    parameters: int | None = None
    macs: int | None = None

    @property
    def limits(self) -> dict[str, Any]:
        """The limits of `train.device` that say the same."""
        size = None if self.size_kb is None else self.size_kb * KILOBYTE / MEGABYTE
        limits = {"size_mb": size, "parameters": self.parameters, "macs": self.macs}
        return {name: limit for name, limit in limits.items() if limit is not None}

    def counted(self, point: ParetoPoint) -> bool:
        """Whether `point` keeps what is counted."""
        pairs = ((point.parameters, self.parameters), (point.macs, self.macs))
        return all(limit is None or count <= limit for count, limit in pairs)


class SearchedRun(NamedTuple):
    """A run that searched architectures: its lock, its Model, and the search's Pareto front, the
    smallest network first."""

    lock: Lock
    model: Model
    pareto_front: list[ParetoPoint]


def searched_run(run: str, settings: Settings) -> SearchedRun:
    """The run `run`, or that of the lock in the file `run`.

    Raises ConfigError if there is none, if it searched no architecture, or if its Model is gone."""
    store = open_store(settings)
    lock = read_lock(run, store)
    ref = lock.artifacts.get("train")
    if ref is None or not store.holds(ref):
        raise ConfigError(
            f"The run {lock.run} has no trained model{'' if ref is None else ' any more'}.",
            "Run its pipeline again; what is still in the store is reused.",
        )
    model: Model = store.load(ref)
    if "architecture" not in model.selection:
        source = model.selection.get("picked")
        raise ConfigError(
            f"The run {lock.run} searched no architecture.",
            f"It is a pick itself: name the run that made model@{source['model'][:12]}."
            if source
            else "Set train.architecture to search in its pipeline, and run that.",
        )
    points = points_of(trials_of(model, Device(), store), model)
    return SearchedRun(lock, model, nondominated(points))


def costs_of(found: SearchedRun, settings: Settings) -> Costs:
    """The packed size and the latency of each point of the front on its device; cached."""
    pipelines = [(point, picked_pipeline(found, point, Wanted())) for point in found.pareto_front]
    return measured_points(found.model, pipelines, open_store(settings), resources_of(settings))


def picked_point(found: SearchedRun, wanted: Wanted, settings: Settings) -> ParetoPoint:
    """The point of the front with the best metric that keeps what is `wanted`. For a limit on the
    file, networks are packed untrained and measured, those with the best metric first.

    Raises ConfigError, with the smallest network's figures, if none does, and if it is the one that
    the run has packed itself."""
    if wanted.size_kb is not None and not isfinite(wanted.size_kb):
        raise ConfigError(
            f"--size-kb: {wanted.size_kb:g} is no size.", "Name a number of kilobytes."
        )
    best_first = sorted(found.pareto_front, key=lambda point: -point.row.score)
    counted = [point for point in best_first if wanted.counted(point)]
    if not counted:
        smallest = found.pareto_front[0]
        raise ConfigError(
            f"No network of this search's Pareto front is so small: the smallest has "
            f"{smallest.parameters:,} parameters and {smallest.macs:,} MACs.",
            "Allow more, or search again with a lower train.device.parameters or macs.",
        )
    point = _within_size(found, counted, wanted, settings) if wanted.size_kb else counted[0]
    if point.row.chosen:
        raise ConfigError(
            f"Trial {point.row.number}, the best that keeps this, is what the run "
            f"{found.lock.run} has packed itself.",
            "Take its package, or allow less.",
        )
    return point


def picked_pipeline(found: SearchedRun, point: ParetoPoint, wanted: Wanted) -> PipelineConfig:
    """The pipeline of the run with the trial of `point` in place of its search, and what is
    `wanted` among the limits of its device. All else is as it was resolved for the run."""
    pipeline = checked(found.lock.config, f"The lock of the run {found.lock.run}")
    device = pipeline.train.device.requested
    device = device.model_copy(update=_lower(device, wanted.limits))
    hyperparameters = {**point.row.hyperparameters, "input": point.row.input}
    picked = {
        "model": found.model.ref.id,
        "trial": point.row.number,
        "hyperparameters": hyperparameters,
    }
    train = {
        **pipeline.train.model_dump(mode="json"),
        "trials": 1,
        "device": device.model_dump(mode="json"),
        "picked": picked,
    }
    config = {**pipeline.model_dump(mode="json"), "train": train}
    return checked(config, f"The lock of the run {found.lock.run}")


def _lower(device: Device, limits: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `limits` that are lower than the ones of `device`, which hold for a pick, too."""
    own = {name: getattr(device, name) for name in limits}
    return {name: most for name, most in limits.items() if own[name] is None or most < own[name]}


def _within_size(
    found: SearchedRun, points: Sequence[ParetoPoint], wanted: Wanted, settings: Settings
) -> ParetoPoint:
    """The first of `points` whose packed network is small enough."""
    store, sizes = open_store(settings), []
    for point in points:
        sizes.append(_packed_kilobytes(found, point, store, settings))
        if sizes[-1] <= (wanted.size_kb or 0.0):
            return point
    raise ConfigError(
        f"No network of this search's Pareto front fits into {wanted.size_kb:g} KB: packed, the "
        f"smallest has {min(sizes):.1f} KB.",
        "Allow more, put a smaller number format into deploy.ladder, or search again with a lower "
        "train.device.parameters.",
    )


def _packed_kilobytes(
    found: SearchedRun, point: ParetoPoint, store: Store, settings: Settings
) -> float:
    """The size of the network of `point`, untrained, as deploy would pack it; cached."""
    pipeline = picked_pipeline(found, point, Wanted())
    spec = network_spec(pipeline, len(found.model.labels))
    model_input = inputs_by_name(pipeline.train)[point.row.input]
    network = packed(model_input, spec, store, resources_of(settings))
    if network.why:
        raise ConfigError(
            f"Trial {point.row.number} cannot be packed: {network.why}", "Name other limits."
        )
    return size_of(network.network) / KILOBYTE
