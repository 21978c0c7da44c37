"""Pins what a pipeline leaves open: the data's revision, which families take part, what its device
and its minutes allow."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from stages.closure import code_of
from stages.config import DataConfig, PipelineConfig, TrainConfig
from stages.config.device_profiles import find_profile, profile_names, with_profile
from stages.deploy.device.device_limits import fitted
from stages.deploy.device.format_latencies import with_latencies
from stages.deploy.device.measuring import Unmeasured
from stages.deploy.device.profile_engines import check_profile_engines
from stages.deploy.emulation import check_emulators
from stages.deploy.engines import check_engine
from stages.deploy.remote.devices import read_devices
from stages.etl import source
from stages.etl.readers import read_revision
from stages.memo import CachedContent
from stages.opening import open_store, resources_of
from stages.parts import TASKS
from stages.runner.chain import check_chain_labels, with_chain
from stages.runner.found_networks import with_found_networks
from stages.runtime.errors import ConfigError
from stages.settings import Settings
from stages.store import Store
from stages.train import trainer_of
from stages.train.cost.compatibility import check_compatibility
from stages.train.cost.next_step import next_step
from stages.train.cost.selected_families import affordable, with_weights
from stages.train.cost.student_family import check_student, with_prunable_heads, with_student


def resolve(pipeline: PipelineConfig, settings: Settings) -> PipelineConfig:
    """`pipeline` with its newest data revision, the families that take part, what its device leaves
    out, and its number of trials filled in.

    Raises ConfigError if there is no such data, a part is not for the task, no weights, engine or
    emulator are at hand or nothing fits the device, BudgetTooSmall if nothing could be trained."""
    return _prepared(pipeline, settings).resolved(pipeline.train.budget_minutes)


def resolved_with_next_step(
    pipeline: PipelineConfig, settings: Settings
) -> tuple[PipelineConfig, str]:
    """As `resolve`; and what more minutes would buy next, and at how many minutes, empty if the
    budget decides nothing, or more of it buys nothing."""
    prepared = _prepared(pipeline, settings)
    resolved = prepared.resolved(pipeline.train.budget_minutes)
    if pipeline.train.trials:
        return resolved, ""
    return resolved, next_step(resolved.train, lambda minutes: prepared.resolved(minutes).train)


class _Prepared(NamedTuple):
    """A pipeline whose families and device limits are known; its budget is not spent yet."""

    pipeline: PipelineConfig
    train: TrainConfig
    spend: Callable[[TrainConfig], TrainConfig]

    def resolved(self, minutes: float) -> PipelineConfig:
        """The pipeline with what a budget of `minutes` buys."""
        train = self.spend(self.train.model_copy(update={"budget_minutes": minutes}))
        return self.pipeline.model_copy(update={"train": train})


def _prepared(pipeline: PipelineConfig, settings: Settings) -> _Prepared:
    store = open_store(settings)
    pipeline = with_found_networks(pipeline, store)
    devices = read_devices(settings.devices_file)
    added = {name: device.profile for name, device in devices.items()}
    device = pipeline.train.device.profile
    profile = find_profile(added.get(device) or device, settings.device_profiles)
    if profile:
        check_profile_engines(profile)
    pipeline = with_profile(pipeline, settings.device_profiles, settings.device, added)
    check_compatibility(pipeline)
    check_student(pipeline.task, pipeline.train)
    check_engine(pipeline.deploy)
    check_emulators(pipeline.deploy)
    pipeline = with_chain(pipeline, store, settings)
    found = source.find(pipeline.data, settings)
    if found.tested is None and not pipeline.train.trials:  # from a remote, or an older list
        found = source.counted(found, settings)
    data = DataConfig(name=found.name, revision=found.revision)
    resources = resources_of(settings)
    initialised = with_weights(pipeline.task, pipeline.train, resources)
    initialised = with_prunable_heads(with_student(pipeline.task, initialised, resources))
    prepared = pipeline.model_copy(update={"data": data, "train": initialised})
    labels = partial(_labels, data, pipeline.task, store, settings)
    if pipeline.deploy.chain.labels:
        check_chain_labels(pipeline, labels())
    try:
        train = fitted(prepared, lambda: len(labels()), store, resources, profile)
        deploy = with_latencies(prepared, train, lambda: len(labels()), store, resources)
    except Unmeasured as error:
        names = ", ".join(profile_names(settings.device_profiles))
        raise ConfigError(error.problem, f"{error.remedy} Known devices: {names}.") from error
    resolve_train = trainer_of(pipeline.task).resolve
    if not pipeline.train.families:
        resolve_train = partial(affordable, trainer_of(pipeline.task))
    samples = found.training_samples(pipeline.etl.splits.test)

    def spend(train: TrainConfig) -> TrainConfig:
        return resolve_train(train, samples, pipeline.etl.views, resources.speed)

    return _Prepared(prepared.model_copy(update={"deploy": deploy}), train, spend)


def _labels(data: DataConfig, task: str, store: Store, settings: Settings) -> list[str]:
    """The labels that the raw data has; cached by its revision."""
    readers = TASKS[task].readers

    def make() -> CachedContent:
        with source.opened(data, settings) as folder:
            rows = read_revision(folder, readers).rows
        named = {row.label for row in rows} | {box.label for row in rows for box in row.boxes}
        return CachedContent(sorted(named - {""}))

    code = code_of("stages.etl.readers", config=[task, *readers])
    return list(store.memo(["names of labels", task, data.revision], code, make).facts)
