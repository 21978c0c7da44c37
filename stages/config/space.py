"""What a search may vary."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.config.section import Section


class Range(Section):
    """A searched number, drawn between `low` and `high`."""

    low: float
    high: float
    log: bool = True

    @model_validator(mode="after")
    def ordered(self) -> "Range":
        if self.low > self.high or (self.log and self.low <= 0):
            raise ValueError(f"From {self.low} to {self.high} is not a range.")
        return self


class Space(Section):
    """What a search may vary."""

    learning_rate: Range = Range(low=3e-4, high=1e-2)
    weight_decay: Range = Range(low=1e-3, high=1.0)
    batch_size: tuple[int, ...] = (32, 64, 128)
    head: tuple[Literal["linear", "hidden"], ...] = ("linear", "hidden")
    class_balance: tuple[Literal["auto", "none", "weights", "sampling", "both"], ...] = Field(
        ("auto",),
        min_length=1,
        description="How rare labels are made to count: by loss weights, by being shown more "
        "often, by half of both; auto: as far as the labels' counts differ.",
    )
    kernel: tuple[Literal[3, 5, 7], ...] = Field(
        (3, 5, 7),
        min_length=1,
        description="Sides of the first convolution's kernel, of families that begin from scratch "
        "and let it be chosen.",
    )


class FinetuneSpace(Section):
    """What fine-tuning may vary."""

    learning_rate: Range = Range(low=2e-4, high=2e-3)
    warm_up: tuple[Annotated[float, Field(ge=0, lt=1)], ...] = Field(
        (0.1, 0.05, 0.2),
        min_length=1,
        description="Share of a teaching in which the rate rises, before it comes down a cosine.",
    )
    layer_decay: Range = Range(low=0.6, high=1.0, log=False)
    freeze: tuple[Literal["most", "half", "none"], ...] = ("half", "most")
    weight_decay: Range = Range(low=1e-3, high=0.2)
    batch_size: tuple[int, ...] = (16, 32)
    label_smoothing: tuple[float, ...] = (0.0, 0.1)
    mixing: tuple[Literal["none", "mixup", "cutmix"], ...] = ("none", "mixup", "cutmix")
    mixing_share: Range = Range(low=0.1, high=1.0)
    average: tuple[float, ...] = (0.98, 0.995)
    interpolation: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        (0.75, 1.0, 0.5),
        min_length=1,
        description="How far the weights that are judged, and ship, go from those a tail begins "
        "with to those it was taught; 1: all the way.",
    )
    dropout: tuple[float, ...] = (0.0, 0.2)
