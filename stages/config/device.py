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
    """A network as it would be packed: one window at a time, one thread. `numeric`: its number
    format. A figure is None where there was nothing to measure."""

    input: str = Field(description="Family and size, as efficientnet_lite0@224.")
    numeric: str = ""
    latency_ms_p95: float | None = None
    size_mb: float | None = None
    memory_mb: float | None = None
    why: str = Field("", description="Why it is left out; empty: it takes part.")


class Device(Section):
    """Hard limits: an input that breaks one costs no training step, a package that does is not
    shipped."""

    latency_ms_p95: float | None = Field(
        None,
        gt=0,
        description="Most milliseconds that the network may take for one window, in 95 of 100 "
        "runs, on one thread; reading and preparing a sample not counted.",
    )
    size_mb: float | None = Field(None, gt=0, description="Largest network file of the package.")
    memory_mb: float | None = Field(
        None,
        gt=0,
        description="Most memory of a process that runs the network, its interpreter and engine "
        "counted.",
    )
    profile: str = Field(
        HERE,
        min_length=1,
        description="Whose figures count: of this machine, or of the device of that name, which "
        "measured them itself (AIWF_DEVICE) into the same store.",
    )
    left_out: tuple[str, ...] = Field(
        (), description="Inputs that break a limit; filled in when a run is planned."
    )
    measured: tuple[Measured, ...] = Field(
        (), description="What was measured; filled in when a run is planned."
    )

    @property
    def limits(self) -> dict[str, float]:
        """What is limited, by name."""
        given = {name: getattr(self, name) for name in LIMITS}
        return {name: limit for name, limit in given.items() if limit is not None}

    @property
    def decisive(self) -> "Device":
        """What of it decides which model is made: once measured, the names alone."""
        return Device(left_out=self.left_out)

    @property
    def asked(self) -> "Device":
        """What was asked for, without what was measured."""
        return self.model_copy(update={"left_out": (), "measured": ()})

    def broken(self, figures: Measured) -> list[str]:
        """The limits that `figures` break, in words; none if all hold."""
        given = {name: getattr(figures, name) for name in self.limits}
        return [
            f"{LIMITS[name].format(value)}, {self.limits[name]:.3g} allowed"
            for name, value in given.items()
            if value is not None and value > self.limits[name]
        ]

    def told(self) -> list[str]:
        """A line for each input that was left out: which, and why."""
        return [f"{one.input} left out: {one.why}" for one in self.measured if one.why]
