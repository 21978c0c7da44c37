"""Holds what would be shipped against the limits of its device: a trained network may come out in
another number format, or with another head, than the untrained one that was let in."""

from typing import NamedTuple

from stages.config.device import Device, Measured
from stages.deploy.engines import size_of
from stages.deploy.ladder import Climb
from stages.deploy.workbench import Workbench
from stages.runtime.errors import GateNotMet
from stages.settings import Settings
from stages.train.cost.device.measuring import DECIMALS, Unmeasured, measured

SAID = {
    "size_mb": ("Network file", "MB"),
    "latency_ms_p95": ("Network alone, one window, p95", "ms"),
    "memory_mb": ("Memory of a process that runs it", "MB"),
}


class Held(NamedTuple):
    """One limit: what it is on, as text, what was measured (None: not here) and what is allowed."""

    name: str
    unit: str
    value: float | None
    limit: float


def held(work: Workbench, climb: Climb, settings: Settings) -> list[Held]:
    """Every limit beside what the network that is to be shipped takes; none if none was set.

    Raises GateNotMet if it breaks one."""
    device = work.config.device
    if not device.limits:
        return []
    figures = _figures(work, climb, settings)
    if broken := device.broken(figures):
        raise GateNotMet(
            f"Not deployed: as {climb.best.numeric} the network breaks a limit of train.device: "
            f"{'; '.join(broken)}.{_not_smaller(climb)}",
            "Allow more in train.device, or name smaller model families or train.input_sizes.",
        )
    return _rows(device, figures)


def size_held(work: Workbench, climb: Climb) -> list[Held]:
    """Of the limits that on the size, which is the same on every machine."""
    return [one for one in _rows(work.config.device, _sized(work, climb)) if one.value is not None]


def _rows(device: Device, figures: Measured) -> list[Held]:
    limits = device.limits
    return [
        Held(*SAID[name], getattr(figures, name), limits[name]) for name in SAID if name in limits
    ]


def _figures(work: Workbench, climb: Climb, settings: Settings) -> Measured:
    """Of a device that is not this one and measured nothing, the size alone is known."""
    model, numeric, profile = work.model, climb.best.numeric, work.config.device.profile
    network, shape = work.compressed(numeric), model.input_shape
    engine, store = work.engine, work.store
    try:
        return measured(
            model.family, network, numeric, shape, profile, engine, store=store, settings=settings
        )
    except Unmeasured:
        return _sized(work, climb)


def _sized(work: Workbench, climb: Climb) -> Measured:
    size = size_of(work.compressed(climb.best.numeric)) / 1e6
    return Measured(input=work.model.family, size_mb=round(size, DECIMALS))


def _not_smaller(climb: Climb) -> str:
    """Why a smaller number format is not shipped, where one was tried."""
    tried = [f"{one.numeric}: {one.why}" for one in climb.trials if not one.kept]
    return f" Smaller formats were tried: {'; '.join(tried)}." if tried else ""
