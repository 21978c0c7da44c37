"""Selects the inputs that a device's engine can run and its limits allow, once, when a run is
resolved."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from stages.config import PipelineConfig, TrainConfig
from stages.config.device import Device, DeviceCost
from stages.config.device_profile import DeviceProfile
from stages.deploy.device.mac_count import macs_of_graph
from stages.deploy.device.measuring import DECIMALS, CannotRun, Unmeasured, measured
from stages.deploy.device.untrained_network import Packed, packed, windows_of
from stages.deploy.device.untrained_weights import NetworkSpec
from stages.deploy.engines import Engine, size_of
from stages.deploy.engines.onnxruntime import ONNX_RUNTIME as COUNTED
from stages.deploy.remote.connection import DeviceLost
from stages.models.genotype import parameters_of, parse
from stages.parts import ENGINES
from stages.resources import Resources
from stages.runtime.errors import ConfigError
from stages.store import Store
from stages.train.architecture.counted_limits import check_counts
from stages.train.cost.distillation_budget import student_input, with_student_family
from stages.train.search.search_space import HIDDEN_UNITS, Input, inputs_of


def fitted(
    pipeline: PipelineConfig,
    labels: Callable[[], int],
    store: Store,
    resources: Resources,
    profile: DeviceProfile | None = None,
) -> TrainConfig:
    """The pipeline's `train` with all measurements, and with the inputs excluded that break a limit
    of `train.device`, or that the engine of a target lacks an operator of or answers wrongly;
    unchanged if there is no limit and training uses the engines itself, or if they have been
    measured before. `labels` counts the
    labels of its data, if that is needed. `profile`: that of its device, from which latencies are
    estimated that were not measured there, also if the device cannot be reached now.

    Raises ConfigError if no input is left, naming the nearest one, if no searched architecture
    keeps the counted limits, or if the limits are those of another device without a profile that
    has not measured the inputs."""
    train = pipeline.train
    check_counts(train, labels)
    engines: list[Engine] = [ENGINES[name] for name in pipeline.deploy.engines]
    tried = [engine.name for engine in engines if not engine.used_in_training]
    if train.device.measured or not (train.device.limits or tried):
        return train
    spec = network_spec(pipeline, labels())
    further = [replace(spec, engine=name) for name in tried if name != spec.engine]
    searched = inputs_of(train)
    student_spec = replace(spec, folds=1, hidden=0)  # one network, not those of all folds
    table = tuple(
        _not_run_by(model_input, further, store, resources)
        or _device_cost(
            model_input,
            spec if model_input in searched else student_spec,
            train.device,
            store,
            resources,
            profile,
        )
        for model_input in inputs_of(with_student_family(train))
        if model_input in searched or not model_input.initialised_family.searched
    )
    if all(figures.why for figures in table):
        raise _nothing_fits(train.device, table)
    if train.distils:
        _check_student(student_input(train, train.distils), table)
    excluded = (*train.device.excluded, *(figures.input for figures in table if figures.why))
    device = train.device.model_copy(update={"excluded": excluded, "measured": table})
    return train.model_copy(update={"device": device})


def _check_student(student: Input, table: tuple[DeviceCost, ...]) -> None:
    """Raise ConfigError if the `student` of `train.distil` breaks a limit, by its line in
    `table`."""
    for figures in table:
        if figures.input == student.name and figures.why:
            raise ConfigError(
                f"train.distil: the student {student.name} breaks a limit of train.device: "
                f"{figures.why}.",
                "Name a lighter family, such as small_image or small_audio.",
            )


def network_spec(pipeline: PipelineConfig, labels: int) -> NetworkSpec:
    """What determines the size of the networks of `pipeline`, beside their families."""
    train = pipeline.train
    has_hidden = "hidden" in train.search_space.head and train.architecture != "search"
    return NetworkSpec(
        task=pipeline.task,
        labels=labels,
        hidden=HIDDEN_UNITS if has_hidden else 0,
        folds=train.folds,
        ladder=pipeline.deploy.ladder,
        engine=pipeline.deploy.engines[0],
        kernel=max(train.search_space.kernel),
        feature_maps=train.search_space.feature_maps,
        width=max(train.search_space.width),
        genotype=_largest_genotype(train, labels),
    )


def _largest_genotype(train: TrainConfig, labels: int) -> str:
    """The picked architecture, or the largest that was found; empty if it is still searched."""
    if train.picked:
        return train.picked.hyperparameters.genotype
    if train.architecture == "search":
        return ""
    found = train.genotypes.values()
    return max(found, key=lambda text: parameters_of(parse(text), 1, labels), default="")


def _not_run_by(
    model_input: Input, specs: Sequence[NetworkSpec], store: Store, resources: Resources
) -> DeviceCost | None:
    """Why `model_input` is excluded if an engine of `specs` lacks an operator of it, or answers it
    wrongly; None if there is no such engine."""
    for spec in specs:
        if why := packed(model_input, spec, store, resources).why:
            return DeviceCost(input=model_input.name, why=f"target {spec.engine}: {why}")
    return None


def _device_cost(
    model_input: Input,
    spec: NetworkSpec,
    device: Device,
    store: Store,
    resources: Resources,
    profile: DeviceProfile | None,
) -> DeviceCost:
    """The cost of `model_input` on the device, and why it is excluded, if it is. Without limits
    nothing is run, so that only its size is known."""
    untrained = packed(model_input, spec, store, resources)
    if untrained.why:
        return DeviceCost(input=model_input.name, why=untrained.why)
    if not device.limits:
        size = round(size_of(untrained.network) / 1e6, DECIMALS)
        return DeviceCost(input=model_input.name, numeric=untrained.numeric, size_mb=size)
    shape = windows_of(model_input, spec.task).shape[1:]
    name, numeric, engine = model_input.name, untrained.numeric, ENGINES[spec.engine]
    try:
        figures = measured(
            name,
            untrained.network,
            numeric,
            shape,
            device.profile,
            engine,
            store=store,
            resources=resources,
        )
    except CannotRun as error:
        return DeviceCost(input=name, numeric=numeric, why=error.problem)
    except (Unmeasured, DeviceLost):
        if profile is None:
            raise
        figures = _estimated(model_input, spec, numeric, untrained, profile, store, resources)
    return figures.model_copy(update={"why": "; ".join(device.broken(figures))})


def _estimated(
    model_input: Input,
    spec: NetworkSpec,
    numeric: str,
    untrained: Packed,
    profile: DeviceProfile,
    store: Store,
    resources: Resources,
) -> DeviceCost:
    """The size of `untrained`, and its latency as the published figures of `profile` suggest. Its
    memory is not known, and its latency neither if nothing is published in `numeric`."""
    name, size = model_input.name, round(size_of(untrained.network) / 1e6, DECIMALS)
    plain = replace(spec, engine=COUNTED.name, ladder=("float32",))
    graph = packed(model_input, plain, store, resources).network[COUNTED.files[0]]
    macs = macs_of_graph(graph, windows_of(model_input, spec.task).shape[1:])
    milliseconds = profile.milliseconds(macs / 1e9, numeric)
    if milliseconds is None:
        return DeviceCost(input=name, numeric=numeric, size_mb=size)
    rows = [row for row in profile.latencies if row.numeric == numeric]
    source = f"published {numeric} figures of {', '.join({row.engine: None for row in rows})}"
    return DeviceCost(
        input=name,
        numeric=numeric,
        size_mb=size,
        latency_ms_p95=round(milliseconds, DECIMALS),
        estimated=source,
    )


def _nothing_fits(device: Device, table: tuple[DeviceCost, ...]) -> ConfigError:
    """The error that no input keeps the limits, with the nearest input and limits that allow it."""
    reasons = "; ".join(f"{figures.input}: {figures.why.rstrip('.')}" for figures in table)
    measured_inputs = [figures for figures in table if _limit_ratios(figures, device)]
    if not measured_inputs:
        return ConfigError(
            f"No model family can be packed. {reasons}.",
            "Name other families, or leave out the target.",
        )
    nearest = min(measured_inputs, key=lambda figures: max(_limit_ratios(figures, device).values()))
    needed = " and ".join(
        f"train.device.{name} to {_rounded_up(device.limits[name] * over):g}"
        for name, over in _limit_ratios(nearest, device).items()
        if over > 1
    )
    return ConfigError(
        f"Nothing fits the limits of train.device. {reasons}.",
        f"The nearest is {nearest.input}: set {needed}, or name smaller families or "
        "train.input_sizes.",
    )


def _limit_ratios(figures: DeviceCost, device: Device) -> dict[str, float]:
    """For each limit, the measured value divided by the limit."""
    values = {name: getattr(figures, name) for name in device.limits}
    return {
        name: value / device.limits[name] for name, value in values.items() if value is not None
    }


def _rounded_up(value: float) -> float:
    """`value` and a tenth, to two digits."""
    return float(f"{1.1 * value:.2g}")
