"""What a pipeline may say of the device that its package is for."""

from pydantic import Field

from stages.config.section import Section

HERE = "this machine"
LIMITS = {  # what is limited -> how it is said
    "latency_ms_p95": "p95 {:.3g} ms",
    "size_mb": "{:.3g} MB",
    "memory_mb": "memory {:.3g} MB",
}


class Measured(Section):
    """What an untrained network would take once it is packed: one window at a time, on one thread.
    A figure is empty where there was nothing to measure."""

    input: str = Field(description="Family and size, as efficientnet_lite0@224.")
    numeric: str = Field("", description="Number format in which it was measured, as int8.")
    latency_ms_p95: float | None = Field(
        None, description="95th percentile of the time for one window, in milliseconds."
    )
    size_mb: float | None = Field(None, description="Size of the network file, in megabytes.")
    memory_mb: float | None = Field(
        None, description="Peak memory of the process that ran it, in megabytes."
    )
    why: str = Field("", description="Why it is left out; empty: it takes part.")


class Device(Section):
    """Hard limits of the device. Each family is packed untrained and measured when the run is
    planned; `aiwf plan` says what breaks a limit. That is not trained, and a package that
    breaks one is not shipped."""

    latency_ms_p95: float | None = Field(
        None,
        gt=0,
        description="Longest time that the network may take for one window, in milliseconds: the "
        "95th percentile on one thread, without reading and preparing the sample.",
    )
    size_mb: float | None = Field(
        None, gt=0, description="Largest network file of the package, in MB."
    )
    memory_mb: float | None = Field(
        None,
        gt=0,
        description="Most memory, in megabytes, of a process that runs the network, interpreter "
        "and engine included.",
    )
    profile: str = Field(
        HERE,
        min_length=1,
        description="Whose measurements count: those of this machine, or those of the device of "
        "that name, which measured itself into the same store (AIWF_DEVICE).",
    )
    excluded: tuple[str, ...] = Field(
        (), description="Inputs that break a limit; filled in when a run is planned."
    )
    measured: tuple[Measured, ...] = Field(
        (), description="What was measured; filled in when a run is planned."
    )

    @property
    def limits(self) -> dict[str, float]:
        """What is limited, by name."""
        values = {name: getattr(self, name) for name in LIMITS}
        return {name: limit for name, limit in values.items() if limit is not None}

    @property
    def decisive(self) -> "Device":
        """What of it decides which model is made: once measured, the names alone."""
        return Device(excluded=self.excluded)

    @property
    def requested(self) -> "Device":
        """What was asked for, without what was measured."""
        return self.model_copy(update={"excluded": (), "measured": ()})

    def broken(self, figures: Measured) -> list[str]:
        """The limits that `figures` break, in words; none if all hold."""
        values = {name: getattr(figures, name) for name in self.limits}
        return [
            f"{LIMITS[name].format(value)}, {self.limits[name]:.3g} allowed"
            for name, value in values.items()
            if value is not None and value > self.limits[name]
        ]

    def notices(self) -> list[str]:
        """A line for each input that was left out: which, and why."""
        return [
            f"{figures.input} left out: {figures.why}" for figures in self.measured if figures.why
        ]
