"""Profiles of devices: what is known of a device's processors, and the budgets that follow for a
network on it. One YAML each in configs/devices/; every figure has a source."""

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field

from stages import parts
from stages.config.device import LIMITS
from stages.config.section import Name, Section
from stages.runtime.processor import InstructionSet

Text = Annotated[str, Field(min_length=1, max_length=500)]
SMALLEST, LARGEST = 1e-9, 1e9  # figures, so that their quotients are finite
Numeric = Literal["float32", "float16", "bfloat16", "int8"]
EngineName = Annotated[str, AfterValidator(parts.ENGINES.check)]


class SourcedFigure(Section):
    """A number and where it comes from."""

    value: float = Field(gt=0, le=LARGEST, description="The number, in the unit of its key.")
    source: Text = Field(description="Where it comes from, or how it was derived.")


class Rate(Section):
    """The peak rate of a processor in one number format."""

    numeric: Numeric = Field(description="Number format.")
    gops: float = Field(gt=0, description="Billions of operations in a second, of all its cores.")
    source: Text = Field(description="Where it comes from.")


class Processor(Section):
    """One of a device's processors that can run a network."""

    kind: Literal["cpu", "gpu", "dsp", "npu", "mcu"] = Field(description="Kind of processor.")
    name: Text = Field(description="Its name, such as Cortex-A72.")
    cores: int | None = Field(None, gt=0, description="How many of them there are.")
    instruction_set: InstructionSet | None = Field(
        None, description="For a cpu: the one that decides how 8-bit products are added."
    )
    numerics: tuple[Numeric, ...] = Field(min_length=1, description="Number formats it computes.")
    rates: tuple[Rate, ...] = Field((), description="Peak rates, where they are published.")
    programmed: Text = Field(description="How it is programmed.")
    engines: tuple[EngineName, ...] = Field(
        (), description="Engines of deploy.engine that run on it; none: other software is needed."
    )
    source: Text = Field(description="Where this comes from.")


class Latency(Section):
    """The published time of a known network on one core, from which others are estimated."""

    network: Text = Field(description="The network, such as mobilenet_v2 at 224 x 224.")
    gmacs: float = Field(
        ge=SMALLEST, le=LARGEST, description="Its billions of multiply-accumulates."
    )
    numeric: Numeric = Field(description="Number format.")
    engine: Text = Field(description="What ran it.")
    milliseconds: float = Field(
        ge=SMALLEST, le=LARGEST, description="Time for one window on one thread."
    )
    source: Text = Field(description="Where it comes from.")


class OtherEngine(Section):
    """An engine of others for this device, which this product does not pack for."""

    name: Text = Field(description="Its name.")
    status: Literal["vendor", "legacy"] = Field(
        description="vendor: the way of the processor's maker; legacy: no longer maintained."
    )
    note: Text = Field(description="What it needs, or why it is not offered.")


class Budgets(Section):
    """The limits that a pipeline takes over, where it sets none of its own."""

    latency_ms_p95: SourcedFigure | None = Field(
        None, description="As train.device.latency_ms_p95."
    )
    size_mb: SourcedFigure | None = Field(None, description="As train.device.size_mb.")
    memory_mb: SourcedFigure | None = Field(None, description="As train.device.memory_mb.")


class DeviceProfile(Section):
    """A device: its processors, memory, engines and budgets."""

    name: Name = Field(description="As in train.device.profile; the file is named after it.")
    title: Text = Field(description="The device in a few words.")
    memory_mb: SourcedFigure = Field(
        description="Memory for the system and all programs, in megabytes."
    )
    processors: tuple[Processor, ...] = Field(min_length=1, description="Those that run networks.")
    engine: EngineName | None = Field(
        None, description="Engine for a pipeline that names none; empty: none of ours runs there."
    )
    budgets: Budgets = Field(description="Limits for a network on this device.")
    latencies: tuple[Latency, ...] = Field(
        (), description="Published times of known networks, from which others are estimated."
    )
    other_engines: tuple[OtherEngine, ...] = Field((), description="Engines of others.")

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that run on some of its processors, each once."""
        found = (engine for processor in self.processors for engine in processor.engines)
        return tuple(dict.fromkeys(found))

    @property
    def is_microcontroller(self) -> bool:
        """Whether it has no processor but microcontrollers."""
        return all(processor.kind == "mcu" for processor in self.processors)

    @property
    def limits(self) -> dict[str, float]:
        """The budgets that are set, by their key in train.device."""
        figures = {key: getattr(self.budgets, key) for key in LIMITS}
        return {key: figure.value for key, figure in figures.items() if figure is not None}

    def milliseconds(self, gmacs: float, numeric: str) -> float | None:
        """The estimated time of a network of `gmacs` billion multiply-accumulates on one core: at
        the slowest published rate in `numeric`. None if none is published."""
        rates = [row.gmacs / row.milliseconds for row in self.latencies if row.numeric == numeric]
        return gmacs / min(rates) if rates else None


class Contradiction(NamedTuple):
    """Two statements of a profile that cannot both be true. `place`: the key of one of them."""

    place: tuple[str | int, ...]
    problem: str
    remedy: str


def contradictions(profile: DeviceProfile) -> Iterator[Contradiction]:
    """Yield what contradicts itself in `profile`."""
    yield from _in_processors(profile)
    yield from _in_budgets(profile)
    if profile.engine and profile.engine not in profile.engines:
        yield Contradiction(
            ("engine",),
            f"{profile.engine} runs on none of its processors.",
            f"Name it in `engines` of a processor, or take one of: {_listed(profile.engines)}.",
        )
    if profile.engines and not profile.engine:
        yield Contradiction(
            ("processors",),
            f"{_listed(profile.engines)} run there, and `engine` is empty.",
            "Set `engine` to one of them.",
        )
    numerics = {numeric for processor in profile.processors for numeric in processor.numerics}
    published: dict[tuple[str, str, str], float] = {}
    for place, row in enumerate(profile.latencies):
        if row.numeric not in numerics:
            yield Contradiction(
                ("latencies", place, "numeric"),
                f"none of its processors computes {row.numeric}.",
                f"Add it to `numerics` of the processor, or take one of: {_listed(numerics)}.",
            )
        key = (row.network, row.numeric, row.engine)
        if published.setdefault(key, row.milliseconds) != row.milliseconds:
            yield Contradiction(
                ("latencies", place, "milliseconds"),
                f"{row.network} in {row.numeric} takes {published[key]:g} ms, too.",
                "Keep one of the two.",
            )


def _in_processors(profile: DeviceProfile) -> Iterator[Contradiction]:
    families = set()
    for place, processor in enumerate(profile.processors):
        where = ("processors", place)
        if processor.instruction_set and processor.kind != "cpu":
            yield Contradiction(
                (*where, "instruction_set"),
                f"{processor.instruction_set} is of a cpu, and {processor.name} is a "
                f"{processor.kind}.",
                "Leave instruction_set out, or write kind: cpu.",
            )
        families |= {(processor.instruction_set or "").partition("-")[0]} - {""}
        for row, rate in enumerate(processor.rates):
            if rate.numeric not in processor.numerics:
                yield Contradiction(
                    (*where, "rates", row, "numeric"),
                    f"{processor.name} has a rate in {rate.numeric}, which it does not compute.",
                    f"Add {rate.numeric} to its `numerics`, or leave the rate out.",
                )
    if len(families) > 1:
        yield Contradiction(
            ("processors",),
            f"its processors are of {_listed(families)} at once.",
            "Correct instruction_set, or write a profile for each device.",
        )


def _in_budgets(profile: DeviceProfile) -> Iterator[Contradiction]:
    for key in ("memory_mb", "size_mb"):
        figure = getattr(profile.budgets, key)
        if figure and figure.value > profile.memory_mb.value:
            yield Contradiction(
                ("budgets", key),
                f"{figure.value:g} MB are allowed, and the device has {profile.memory_mb.value:g}.",
                "Allow less, or correct memory_mb.",
            )


def _listed(names: object) -> str:
    return ", ".join(sorted(names)) if isinstance(names, tuple | set) and names else "none"
