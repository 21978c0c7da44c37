"""What a pipeline may say of its data and of the etl stage."""

from typing import Any

from pydantic import Field, model_validator

from stages.config.augmentations import Augmentations
from stages.config.section import Name, Section, Share


class DataConfig(Section):
    """Which raw data, by name and revision."""

    name: Name = Field(description="Name under which `aiwf data add` keeps the data.")
    revision: str = Field(
        "", description="DVC revision; empty means the newest when the run is submitted."
    )


class Splits(Section):
    """Shares of the three splits; together 1."""

    train: Share = 0.7
    validation: Share = 0.15
    test: Share = 0.15

    @model_validator(mode="after")
    def whole(self) -> "Splits":
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"The shares add up to {total:.3f}. Make them add up to 1.")
        return self


class EtlConfig(Section):
    """Reading, checking, splitting and augmenting."""

    min_samples: int = Field(
        8,
        ge=3,
        description="Fewest samples that a label may have; of boxes, photos with one of it.",
    )
    min_side: int = Field(8, ge=1, description="Shortest side of a picture, in pixels.")
    max_side: int = Field(12_000, ge=1, description="Longest side of a picture, in pixels.")
    min_box: float = Field(
        4, ge=0, description="Side of a box, in pixels, below which the data page warns of it."
    )
    min_seconds: float = Field(0.02, ge=0, description="Length of the shortest clip, in seconds.")
    max_seconds: float = Field(
        600, gt=0, le=600, description="Length of the longest clip, in seconds."
    )
    window_seconds: float | None = Field(
        None,
        ge=0.05,
        le=30,
        description="What a model for sounds hears at once; from the clips' lengths if not given.",
    )
    max_quarantine: Share = Field(
        0.1, description="Largest share of broken samples that may be set aside."
    )
    near_duplicates: bool = Field(
        True, description="Keep samples that look or sound the same in one split."
    )
    splits: Splits = Splits()
    expectations: tuple[dict[str, Any], ...] = Field(
        (), description="Further Great Expectations over the manifest: type, kwargs, severity."
    )
    augmentations: Augmentations = Field(
        ({"horizontal_flip": {}}, {"colour": {}}),
        description="Seeded changes to the train split, each a name and its arguments.",
    )
    views: int = Field(1, ge=0, le=16, description="Augmented copies of each training sample.")
    seed: int = Field(0, ge=0, description="Seed of splits and augmentations.")
