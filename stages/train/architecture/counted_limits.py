"""Hard limits that are counted and not measured: parameters and multiply-accumulates (MACs) of a
network, before it is built. What breaks one is never trained."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from stages.config import TrainConfig
from stages.models.genotype import Genotype, macs_of, parameters_of, parse
from stages.runtime.errors import ConfigError
from stages.train.architecture.space import smallest_networks
from stages.train.search.search_space import Input, inputs_of

FRAMES = 100  # of a window of sound, where the data are not at hand
FEW_LABELS = 2  # where the data are not at hand


class CountedLimits(NamedTuple):
    """The limits `parameters` and `macs` (None: none) of a network for windows of `shape`,
    [channels, height, width], with a head for so many `labels`. The networks of all `folds` are
    shipped together, so they are counted together."""

    shape: tuple[int, ...]
    labels: int
    folds: int
    parameters: int | None = None
    macs: int | None = None

    def counts(self, genotype: Genotype) -> tuple[int, int]:
        """The parameters and MACs of `genotype`."""
        return (
            parameters_of(genotype, self.shape[0], self.labels, self.folds),
            macs_of(genotype, self.shape, self.labels, self.folds),
        )

    def figures(self, genotype: Genotype) -> str:
        """The counts of `genotype` for people."""
        parameters, macs = self.counts(genotype)
        folds = f", with {self.folds} folds that ship together" if self.folds > 1 else ""
        return f"{parameters:,} parameters and {macs:,} MACs{folds}"

    def allow(self, genotype: Genotype) -> bool:
        """Whether `genotype` keeps both limits."""
        limits = (self.parameters, self.macs)
        pairs = zip(self.counts(genotype), limits, strict=True)
        return all(limit is None or count <= limit for count, limit in pairs)


def limits_of(config: TrainConfig, shape: Sequence[int], labels: int, folds: int) -> CountedLimits:
    """The counted limits of `config` for a problem of so many `labels` and `folds`."""
    device = config.device
    return CountedLimits(tuple(shape), labels, folds, device.parameters, device.macs)


def planned_shape(model_input: Input) -> tuple[int, ...]:
    """The shape of a window of `model_input`, with FRAMES for a length that only data have."""
    channels, height, width = model_input.initialised_family.shape
    takes_pictures = model_input.initialised_family.takes == "pictures"
    side = model_input.size if takes_pictures else FRAMES
    return (channels or 1, height or side, width or side)


def check_counts(config: TrainConfig, labels: Callable[[], int]) -> None:
    """Raise ConfigError, with the figures, if not even the smallest network keeps the limits, or a
    found one does not. `labels` counts the labels of the data, if that is needed."""
    device = config.device
    if config.architecture != "search" or config.picked:
        return
    if device.parameters is None and device.macs is None:
        return
    for model_input in inputs_of(config):
        limits = limits_of(config, planned_shape(model_input), labels(), config.folds)
        networks = smallest_networks(config.search_space.architecture)
        if not any(map(limits.allow, networks)):
            raise ConfigError(
                f"Nothing keeps the limits of train.device: the smallest network of "
                f"{model_input.name} has {limits.figures(min(networks, key=limits.counts))}.",
                "Raise train.device.parameters or macs above these, set train.folds to 1 or a "
                "smaller train.input_sizes, or allow more in train.search_space.architecture.",
            )
        for name, text in config.genotypes.items():
            if not limits.allow(parse(text)):
                raise ConfigError(
                    f"train.families: {name} breaks a limit of train.device: at {model_input.name} "
                    f"it has {limits.figures(parse(text))}.",
                    "Take it out, or raise train.device.parameters or macs.",
                )
