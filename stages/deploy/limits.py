"""Checks the network that would be shipped against the limits of its device.

The limits were checked before training on an untrained network; the trained one may have another
number format or another head."""

from typing import NamedTuple

from stages.config.device import Device, DeviceCost
from stages.deploy.device.measuring import DECIMALS, Unmeasured, measured
from stages.deploy.engines import size_of
from stages.deploy.ladder import LadderResult
from stages.deploy.workbench import Workbench
from stages.resources import Resources
from stages.runtime.errors import GateNotMet

LIMIT_TEXTS = {
    "size_mb": ("Network file", "MB"),
    "latency_ms_p95": ("Network alone, one window, p95", "ms"),
    "memory_mb": ("Memory of a process that runs it", "MB"),
}


class LimitCheck(NamedTuple):
    """One limit of a device: `name` as text, the measured `value` in `unit` (None if it cannot be
    measured on this machine) and the `limit`."""

    name: str
    unit: str
    value: float | None
    limit: float


def check_limits(work: Workbench, result: LadderResult, resources: Resources) -> list[LimitCheck]:
    """Measure the network that is to be shipped against each limit of train.device; empty if none
    is set.

    Raises GateNotMet if a limit is broken."""
    device = work.config.device
    if not device.limits:
        return []
    figures = _figures(work, result, resources)
    if broken := device.broken(figures):
        raise GateNotMet(
            f"Not deployed: as {result.best.numeric} the network breaks a limit of train.device: "
            f"{'; '.join(broken)}.{_not_smaller(result)}",
            "Allow more in train.device, or name smaller model families or train.input_sizes.",
        )
    return _rows(device, figures)


def check_size(work: Workbench, result: LadderResult) -> list[LimitCheck]:
    """Check the limit on the file size only, as it is the same on every machine."""
    return [
        check
        for check in _rows(work.config.device, _sized(work, result))
        if check.value is not None
    ]


def _rows(device: Device, figures: DeviceCost) -> list[LimitCheck]:
    limits = device.limits
    return [
        LimitCheck(*LIMIT_TEXTS[name], getattr(figures, name), limits[name])
        for name in LIMIT_TEXTS
        if name in limits
    ]


def _figures(work: Workbench, result: LadderResult, resources: Resources) -> DeviceCost:
    """The measured costs; of a device profile that was not measured, only the size is known."""
    model, numeric, profile = work.model, result.best.numeric, work.config.device.profile
    network, shape = work.compressed(numeric), model.input_shape
    engine, store = work.engine, work.store
    try:
        figures = measured(
            model.family, network, numeric, shape, profile, engine, store=store, resources=resources
        )
        return figures.model_copy(update={"size_mb": _sized(work, result).size_mb})
    except Unmeasured:
        return _sized(work, result)


def _sized(work: Workbench, result: LadderResult) -> DeviceCost:
    """The size of the network, of two that of the larger."""
    shipped = [tested for tested in (result.best, result.second) if tested]
    size = max(size_of(work.compressed(tested.numeric)) for tested in shipped) / 1e6
    return DeviceCost(input=work.model.family, size_mb=round(size, DECIMALS))


def _not_smaller(result: LadderResult) -> str:
    """The reasons why the smaller number formats were not selected."""
    tried = [
        f"{candidate.numeric}: {candidate.why}"
        for candidate in result.candidates
        if not candidate.selected
    ]
    return f" Smaller formats were tried: {'; '.join(tried)}." if tried else ""
