"""Which hyperparameters a search may vary, and between which values."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.config.section import Section


class Range(Section):
    """Bounds of a number that the search chooses."""

    low: float = Field(description="Smallest value that the search may try.")
    high: float = Field(description="Largest value that the search may try.")
    log: bool = Field(
        True,
        description="Whether values are spread evenly on a logarithmic scale, which suits rates "
        "and decays; false: evenly between low and high.",
    )

    @model_validator(mode="after")
    def ordered(self) -> "Range":
        """Raise ValueError unless `low` <= `high`, and 0 < `low` on a logarithmic scale."""
        if self.low > self.high or (self.log and self.low <= 0):
            raise ValueError(f"From {self.low} to {self.high} is not a range.")
        return self


Channels = tuple[Annotated[int, Field(ge=1, le=512)], ...]


class ArchitectureSpace(Section):
    """Architectures that train.architecture may choose. A network is a stem and three stages of
    equal cells; a cell is a graph of four nodes, whose edges are motifs; a motif is a graph of
    three nodes, whose edges are operations. A list of one value fixes it."""

    operations: tuple[
        Literal["none", "skip", "pw", "dw3", "sep3", "sep5", "dil3", "max3", "avg3", "conv3"],
        ...,
    ] = Field(
        ("none", "skip", "pw", "dw3", "sep3", "sep5", "dil3", "max3", "avg3", "conv3"),
        min_length=1,
        description="What an edge of a motif may be: no edge, the input unchanged, a 1x1 "
        "convolution, a depthwise 3x3 one, depthwise-separable ones (3x3, 5x5, dilated 3x3), "
        "pooling (maximum, mean), a full 3x3 convolution.",
    )
    edges: tuple[Literal["none", "skip", "motif"], ...] = Field(
        ("none", "skip", "motif"),
        min_length=1,
        description="What an edge of a cell may be: no edge, the input unchanged, or one of three "
        "motifs.",
    )
    merges: tuple[Literal["add", "concat"], ...] = Field(
        ("add", "concat"),
        min_length=1,
        description="How a node of a cell joins what its edges bring: their sum, or a 1x1 "
        "convolution of their concatenation.",
    )
    stems: Channels = Field((8, 12, 16), min_length=1, description="Channels of the stem.")
    first_widths: Channels = Field(
        (8, 12, 16, 24, 32), min_length=1, description="Channels of the first stage."
    )
    second_widths: Channels = Field(
        (12, 16, 24, 32, 48), min_length=1, description="Channels of the second stage."
    )
    third_widths: Channels = Field(
        (16, 24, 32, 48, 64), min_length=1, description="Channels of the third stage."
    )
    repeats: tuple[Annotated[int, Field(ge=1, le=6)], ...] = Field(
        (1, 2, 3), min_length=1, description="Cells of a stage."
    )
    downs: tuple[Literal["conv3", "sep3", "max2"], ...] = Field(
        ("conv3", "sep3", "max2"),
        min_length=1,
        description="How a stage halves the sides: a full or a depthwise-separable convolution, or "
        "pooling.",
    )
    residual: tuple[bool, ...] = Field(
        (True, False), min_length=1, description="Whether a cell's input is added to its output."
    )


class SearchSpace(Section):
    """Hyperparameters of heads trained on frozen features, of networks trained from scratch, and of
    detectors. A list gives the values to choose from; a list of one value fixes it."""

    learning_rate: Range = Field(
        Range(low=3e-4, high=1e-2),
        description="Highest learning rate of the schedule (AdamW); for heads with a hidden layer "
        "the first trial uses 0.001.",
    )
    weight_decay: Range = Field(
        Range(low=1e-3, high=1.0),
        description="Decoupled weight decay of AdamW. Heads on few samples do well with a strong "
        "one, so the range is wide.",
    )
    batch_size: tuple[int, ...] = Field(
        (32, 64, 128), description="Samples in one optimizer step, to choose from."
    )
    head: tuple[Literal["linear", "hidden"], ...] = Field(
        ("linear", "hidden"),
        description="Kinds of head to choose from: linear: one layer on the features, on a frozen "
        "backbone a logistic regression; hidden: one layer of 64 ReLU units with dropout between.",
    )
    l2: Range = Field(
        Range(low=3e-3, high=1.0),
        description="L2 penalty of a linear head on a frozen backbone: half of this times the "
        "squared norm of its weights is added to the mean loss; the first trial uses 0.05.",
    )
    class_balance: tuple[Literal["auto", "none", "weights", "sampling", "both"], ...] = Field(
        ("auto",),
        min_length=1,
        description="How rare labels are made to count: weights: more in the loss; sampling: shown "
        "more often; both: half of each; none: not at all; auto: none, weights or both, by how far "
        "the labels' counts differ, and none if train.metric is not balanced_accuracy.",
    )
    feature_maps: tuple[Literal["last", "last+16", "last+16+8"], ...] = Field(
        ("last", "last+16+8", "last+16"),
        min_length=1,
        description="Of which maps of a frozen backbone a head takes features, in families that "
        "have a choice: last: the mean of the last map; 16, 8: also mean, deviation and maximum of "
        "each channel of the inner map that is so many times smaller than the picture, which show "
        "textures and small parts. With train.prune: last alone.",
    )
    kernel: tuple[Literal[3, 5, 7], ...] = Field(
        (3, 5, 7),
        min_length=1,
        description="Side of the first convolution's kernel, to choose from, in families that are "
        "trained from scratch and let it be chosen.",
    )
    width: tuple[Annotated[float, Field(ge=0.5, le=4, multiple_of=0.5)], ...] = Field(
        (1.0,),
        min_length=1,
        description="Factor of all channels, to choose from, in families that are trained from "
        "scratch and let it be chosen, as in [1.0, 1.5, 2.0]. 2 has four times the parameters and "
        "takes three to four times as long, so a budget has fewer trials.",
    )

    architecture: ArchitectureSpace = Field(
        ArchitectureSpace(), description="Architectures that train.architecture may choose."
    )

    @model_validator(mode="after")
    def starts_fine_tuning(self) -> "SearchSpace":
        """Raise ValueError if no head is on the last map alone, from which fine-tuning starts."""
        if "last" not in self.feature_maps:
            raise ValueError(
                "feature_maps needs last: fine-tuning starts from a head on the last map."
            )
        return self


class FinetuneSearchSpace(Section):
    """Hyperparameters of fine-tuning. A list gives the values to choose from; a list of one value
    fixes it."""

    learning_rate: Range = Field(
        Range(low=2e-4, high=2e-3),
        description="Highest learning rate, that of the head; layer_decay lowers it for earlier "
        "layers. Smaller than for heads, so that pretrained weights are not lost.",
    )
    warm_up: tuple[Annotated[float, Field(ge=0, lt=1)], ...] = Field(
        (0.1, 0.05, 0.2),
        min_length=1,
        description="Share of all steps in which the learning rate rises; after them it falls "
        "along a cosine.",
    )
    layer_decay: Range = Field(
        Range(low=0.6, high=1.0, log=False),
        description="Learning rate of a layer as a share of that of the next one, nearer to the "
        "head; 1: all layers learn at the same rate.",
    )
    freeze: tuple[Literal["most", "half", "none"], ...] = Field(
        ("half", "most"),
        description="How much of the backbone stays frozen, to choose from. none trains all layers "
        "and costs most time; half leaves about 45 % of the work to train, most about 20 %.",
    )
    weight_decay: Range = Field(
        Range(low=1e-3, high=0.2),
        description="Decoupled weight decay of AdamW; biases and norms do not decay.",
    )
    batch_size: tuple[int, ...] = Field(
        (16, 32), description="Samples in one optimizer step, of all workers together."
    )
    label_smoothing: tuple[float, ...] = Field(
        (0.0, 0.1),
        description="Share of each target that is spread evenly over all labels; 0: none (Szegedy "
        "et al., arXiv 1512.00567).",
    )
    mixing: tuple[Literal["none", "mixup", "cutmix"], ...] = Field(
        ("none", "mixup", "cutmix"),
        description="How two samples of a batch are combined, to choose from: mixup blends them "
        "(arXiv 1710.09412), cutmix pastes a rectangle of one into the other (arXiv 1905.04899).",
    )
    mixing_share: Range = Field(
        Range(low=0.1, high=1.0),
        description="Both parameters of the beta distribution from which mixup and cutmix draw the "
        "share of each sample; the lower, the more comes from one of the two.",
    )
    average: tuple[float, ...] = Field(
        (0.98, 0.995),
        description="Decay of the moving average of weights, per step; the averaged weights are "
        "validated and kept.",
    )
    interpolation: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        (0.75, 1.0, 0.5),
        min_length=1,
        description="Where the shipped weights lie between the pretrained ones (0) and the "
        "fine-tuned ones (1); they are validated there, too (WiSE-FT, Wortsman et al. 2022).",
    )
    dropout: tuple[float, ...] = Field(
        (0.0, 0.2), description="Share of features that is dropped before the head; 0: none."
    )
