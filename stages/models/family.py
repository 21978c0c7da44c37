"""Describes a model family without importing Paddle: its source, its inputs and its cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from stages.models.weights import Array, ResolvedWeights, Weights
from stages.resources import Resources
from stages.runtime.errors import Damaged
from stages.runtime.registry import Registry

SCRATCH = "scratch"  # in place of a digest: no weights
LAST = "last"  # the name of the features that are the mean of the last map alone
STATISTICS = 3  # of a channel of an inner map: mean, standard deviation, maximum


class InnerMap(NamedTuple):
    """A feature map inside a backbone whose statistics are features, too: of the input's side over
    `stride`, behind the first `parts` parts of the backbone (`parts()`), with `channels`."""

    stride: int
    parts: int
    channels: int


@dataclass(frozen=True)
class Family:
    """A network, or the backbone of one, and its initial weights.

    `takes`: "pictures" or "sounds". `size`: the published input size: a picture's side in pixels,
    or a spectrogram's bands; `larger`: a second size that is tried by default; `multiple`: every
    size is a multiple of it. `shape`: the shape of one window in the exported graph, None for any
    number. `mean`, `std`: of a channel, with pictures in 0..1. `spectrogram`: the arguments of the
    steps for a family that needs a spectrogram of its own. `cost`: reference seconds for one window
    at `size`, one core, forward.

    `weights`: None for a network that is trained from scratch, and for a backbone without
    parameters, of which only the head is trained. `layers`: place of the function
    (name) -> Paddle layer of the backbone, `names`: of the one that gives each published tensor its
    name in that layer. `features`: number of the backbone's features. `network`: place of the
    function (family, arrays) -> the whole Paddle layer, its weights still to be filled in from
    `arrays`; it may have one output or a tuple of them. `parameters`: number of parameters of the
    published weights, or of one network from scratch. `notice`: what users have to know about its
    licence.

    `split_points`: how many of the backbone's parts (`parts()` of its layer, see backbone_split.py)
    may stay frozen in fine-tuning, the smallest first; 0: all layers are trained; empty: the
    backbone is only used frozen.

    `feature_maps`: inner maps whose statistics (`STATISTICS` of each channel) may join the
    features, the deepest first; a family with maps has `parts()`.

    `training_cost`: the cost of training a detector on one window, in forward passes; `whole`:
    place of the function (family, number of labels) -> its layer; `decode`: the step that reads its
    outputs, {"step": name, "args": {...}}, the size left out; `loss`: place of the class (size,
    arguments of that step) -> the training loss.

    `folds_layer`: place of the class of fold_networks.py that a family has which is trained from
    scratch, all folds at once, and not as a head on a backbone's features.

    `by_default`: whether it takes part where a pipeline names no families.

    `kernel`, `width`: whether the search may choose the side of its first convolution's kernel, and
    a factor of all its channels; published weights fix both.

    `searched`: whether its architecture is searched, and stands in its hyperparameters as the
    `genotype`.

    `segments`: into how many equal segments of time its network divides a window, whose frames are
    therefore a multiple of it.

    `trainer`: name on the board TRAINERS. A task uses the families of its trainer that take what
    its steps can give (Task.takes)."""

    name: str
    paper: str
    licence: str
    size: int
    multiple: int
    parameters: int
    cost: float
    weights: Weights | None = None
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    features: int = 0
    larger: int = 0
    layers: str = ""
    names: str = ""
    split_points: tuple[int, ...] = ()
    feature_maps: tuple[InnerMap, ...] = ()
    network: str = ".network:backbone_and_head"
    shape: tuple[int | None, ...] = (3, None, None)
    folds_layer: str = ""
    by_default: bool = True
    kernel: bool = False
    width: bool = False
    searched: bool = False
    segments: int = 1
    spectrogram: Mapping[str, Any] = field(default_factory=dict, hash=False)
    training_cost: float = 0.0
    whole: str = ""
    loss: str = ""
    decode: Mapping[str, Any] = field(default_factory=dict, hash=False)
    trainer: str = "heads"
    takes: str = "pictures"
    notice: str = ""

    def backbone(self) -> Any:
        """A new Paddle layer, (N, *shape) float32 to (N, features); its weights are random."""
        return _function(self.layers)(self.name)

    def backbone_of(self, arrays: Mapping[str, Array]) -> Any:
        """As `backbone`, of a network from scratch in the size that `arrays`, those of the
        backbone, have."""
        if not self.from_scratch:
            return self.backbone()
        return self.layer({f"backbone.{name}": array for name, array in arrays.items()}).backbone

    def layer(self, arrays: Mapping[str, Array]) -> Any:
        """A new Paddle layer of the size that `arrays` have; its weights are random."""
        return _function(self.network)(self, arrays)

    def load(self, resources: Resources | None = None) -> dict[str, Array]:
        """The published weights, by their names in `backbone()`; every tensor is used once or named
        as spare. Without weights the backbone's initial ones, always the same; empty without a
        backbone. `resources`: their scratch folder keeps what is fetched.

        Raises Damaged if the file is not the published one, BackendMissing if its package is not
        installed, InfrastructureError if it cannot be fetched."""
        if self.weights is None:
            return _function(".first_weights:first_weights")(self) if self.features else {}
        found: dict[str, Array] = {}
        for name, array in _function(self.weights.read)(self.weights, resources).items():
            place = self.place(name)
            if place in found:
                raise Damaged(f"Two published tensors of {self.name} belong to {place}.")
            if place is not None:
                found[place] = array
        return found

    def place(self, name: str) -> str | None:
        """The name in `backbone()` of the published tensor `name`; None if it is not used."""
        found: str | None = _function(self.names)(name)
        return found

    def initialised_from(self, weights: str) -> "Family":
        """This family with other initial weights: those whose file has the sha256 `weights`, random
        ones for SCRATCH, its own for ""."""
        if weights == SCRATCH:
            return replace(self, weights=None, split_points=(0,))
        if not weights or self.weights is None:
            return self
        resolved = ResolvedWeights(self.name, self.name, weights)
        return replace(self, weights=resolved, names=".available_weights:place")

    def new(self, labels: int) -> Any:
        """A new Paddle layer of a detector for so many labels; its weights are random."""
        return _function(self.whole)(self, labels)

    def with_prior_sizes(self, shares: Sequence[Sequence[float]]) -> "Family":
        """This family with prior boxes of other sizes: `shares` of the picture's side, as the step
        `decode_priors` takes them. Itself if it has no prior boxes."""
        args = self.decode["args"]
        if "shares" not in args:
            return self
        sizes = [list(share) for share in shares]
        return replace(self, decode={**self.decode, "args": {**args, "shares": sizes}})

    def training_loss(self, size: int) -> Any:
        """The training loss of a detector for pictures of `size`: (outputs, truth of each picture)
        -> loss; truth [n, 5] float32: left, top, right, bottom in pixels, and the label's index."""
        return _function(self.loss)(size, **self.decode["args"])

    @property
    def feature_counts(self) -> dict[str, int]:
        """How many features the backbone gives, by the maps that they are of: "last" for the mean
        of its last map alone, "last+16" with the statistics of the map of stride 16, and so on."""
        names, counts = [LAST], [self.features]
        for inner_map in self.feature_maps:
            names.append(f"{names[-1]}+{inner_map.stride}")
            counts.append(counts[-1] + STATISTICS * inner_map.channels)
        return dict(zip(names, counts, strict=True))

    def feature_maps_of(self, features: int) -> tuple[InnerMap, ...]:
        """The inner maps whose statistics make up so many `features` with those of the last map.
        Raises Damaged if no number of maps does."""
        for feature_maps, count in enumerate(self.feature_counts.values()):
            if count == features:
                return self.feature_maps[:feature_maps]
        raise Damaged(
            f"{self.name} gives no {features} features.", "Train the model again with this version."
        )

    @property
    def from_scratch(self) -> bool:
        """Whether a trial trains the whole network, one for each fold."""
        return bool(self.folds_layer)

    @property
    def fold_networks(self) -> Any:
        """The class of its networks side by side; see fold_networks.py."""
        return _function(self.folds_layer)

    @property
    def frozen(self) -> bool:
        """Whether the backbone has published weights, so that features are computed once."""
        return self.weights is not None

    @property
    def digests(self) -> dict[str, str]:
        """The file of its weights -> sha256, if that is known."""
        weights = self.weights
        return (
            {weights.file.rpartition("/")[2]: weights.sha256} if weights and weights.sha256 else {}
        )

    def seconds(self, size: int) -> float:
        """Reference seconds for one window of `size`."""
        return self.cost * (size / self.size) ** 2


def _function(place: str) -> Any:
    return Registry("layer", "stages.models", {"it": place})["it"]
