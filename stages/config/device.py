"""The part of a pipeline about the device that its package is for."""

from pydantic import Field

from stages.config.section import Section

HERE = "this machine"
LIMITS = {  # key -> its format in messages
    "latency_ms_p95": "p95 {:.3g} ms",
    "size_mb": "{:.3g} MB",
    "memory_mb": "memory {:.3g} MB",
}


class DeviceCost(Section):
    """The measured cost of an untrained packed network: one window at a time, on one thread. A
    figure is empty if it was not measured."""

    input: str = Field(description="Family and size, such as efficientnet_lite0@224.")
    numeric: str = Field("", description="Number format in which it was measured, such as int8.")
    latency_ms_p95: float | None = Field(
        None, description="95th percentile of the time for one window, in milliseconds."
    )
    size_mb: float | None = Field(None, description="Size of the network file, in megabytes.")
    memory_mb: float | None = Field(
        None, description="Peak memory of the process that ran it, in megabytes."
    )
    estimated: str = Field(
        "",
        description="Where the latency was estimated from, if it was not measured on the device.",
    )
    why: str = Field("", description="Why it is left out; empty: it takes part.")


class Device(Section):
    """Hard limits of the device. When the run is planned, each family is packed untrained and
    measured; `aiwf plan` says which ones break a limit. These are not trained, and a package that
    breaks a limit is not shipped."""

    latency_ms_p95: float | None = Field(
        None,
        gt=0,
        description="Longest time that the network may take for one window, in milliseconds: the "
        "95th percentile on one thread, without reading and preprocessing the sample.",
    )
    size_mb: float | None = Field(
        None, gt=0, description="Largest network file of the package, in MB."
    )
    memory_mb: float | None = Field(
        None,
        gt=0,
        description="Largest memory of a process that runs the network, in megabytes, including "
        "interpreter and engine.",
    )
    parameters: int | None = Field(
        None,
        gt=0,
        description="Most trained parameters of a network, for train.architecture: counted before "
        "it is built. The networks of all train.folds are shipped, and counted, together.",
    )
    macs: int | None = Field(
        None,
        gt=0,
        description="Most multiply-accumulates of a network for one window, for "
        "train.architecture, counted in the same way.",
    )
    profile: str = Field(
        HERE,
        min_length=1,
        description="The device: this machine; a profile in configs/devices/ (`aiwf devices` lists "
        "them), which sets the limits and the engine that the pipeline leaves open; a device that "
        "was added (`aiwf device add`), on which untrained networks are measured over ssh when a "
        "run is planned; or a device that saved its measurements under this name in the same store "
        "(AIWF_DEVICE). Without measurements the latency is estimated from the profile's table, "
        "and marked so.",
    )
    excluded: tuple[str, ...] = Field(
        (), description="Inputs that break a limit; filled in when a run is planned."
    )
    measured: tuple[DeviceCost, ...] = Field(
        (), description="What was measured; filled in when a run is planned."
    )

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are set, by key."""
        values = {name: getattr(self, name) for name in LIMITS}
        return {name: limit for name, limit in values.items() if limit is not None}

    @property
    def decisive(self) -> "Device":
        """The part that determines the model: what is counted and, once measured, only the excluded
        inputs."""
        return Device(excluded=self.excluded, parameters=self.parameters, macs=self.macs)

    @property
    def requested(self) -> "Device":
        """The limits as requested, without what was measured."""
        return self.model_copy(update={"excluded": (), "measured": ()})

    def broken(self, figures: DeviceCost) -> list[str]:
        """The limits that `figures` break, as text; empty if none is broken."""
        values = {name: getattr(figures, name) for name in self.limits}
        return [
            f"{LIMITS[name].format(value)}{_mark(name, figures)}, {self.limits[name]:.3g} allowed"
            for name, value in values.items()
            if value is not None and value > self.limits[name]
        ]

    def notices(self) -> list[str]:
        """A line for each input that was left out: which, and why; and lines for those whose
        latency is estimated or not known."""
        excluded = [
            f"{figures.input} left out: {figures.why}" for figures in self.measured if figures.why
        ]
        estimates = [
            f"{figures.input}: {figures.latency_ms_p95:.3g} ms"
            for figures in self.measured
            if figures.estimated and figures.latency_ms_p95 is not None
        ]
        sources = dict.fromkeys(row.estimated for row in self.measured if row.estimated)
        note = f"latency on {self.profile}, estimated from {'; '.join(sources)}: "
        unknown = [
            f"{figures.input}: its latency on {self.profile} is not known, and the limit on it was "
            "not checked"
            for figures in self.measured
            if self.latency_ms_p95 and figures.latency_ms_p95 is None and not figures.why
        ]
        return [*excluded, *([note + ", ".join(estimates)] if estimates else []), *unknown]


def _mark(limit: str, figures: DeviceCost) -> str:
    return " (estimated)" if figures.estimated and limit == "latency_ms_p95" else ""
