"""The parts of a pipeline about its data and the etl stage."""

from typing import Any

from pydantic import Field, model_validator

from stages.config.augmentations import Augmentations
from stages.config.section import Name, Section, Share


class DataConfig(Section):
    """The raw data, by name and revision."""

    name: Name = Field(description="Name under which `aiwf data add` stored the data.")
    revision: str = Field(
        "", description="DVC revision; empty means the newest when the run is submitted."
    )

    @staticmethod
    def fields_of(text: str) -> dict[str, str]:
        """The fields of the short form, a bare name or 'name@revision'."""
        name, _, revision = text.partition("@")
        return {"name": name, "revision": revision}


class Splits(Section):
    """Shares of the three splits; they add up to 1. Data that comes with splits keeps them."""

    train: Share = Field(0.7, description="Share of samples that models are trained on.")
    validation: Share = Field(
        0.15, description="Share that guides the search; folds join it with train."
    )
    test: Share = Field(
        0.15, description="Share that is used once, for the report; nothing is chosen on it."
    )

    @model_validator(mode="after")
    def whole(self) -> "Splits":
        """Raise ValueError unless the shares add up to 1."""
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"The shares add up to {total:.3f}. Make them add up to 1.")
        return self


class EtlConfig(Section):
    """The etl stage: reading, checking, splitting and augmenting."""

    min_samples: int = Field(
        8,
        ge=3,
        description="Minimum number of samples of a label; for boxes, of photos with the label.",
    )
    min_side: int = Field(8, ge=1, description="Shortest side of a picture, in pixels.")
    max_side: int = Field(12_000, ge=1, description="Longest side of a picture, in pixels.")
    min_box: float = Field(
        4, ge=0, description="Side of a box, in pixels, below which the data page warns about it."
    )
    min_seconds: float = Field(0.02, ge=0, description="Length of the shortest clip, in seconds.")
    max_seconds: float = Field(
        600, gt=0, le=600, description="Length of the longest clip, in seconds."
    )
    window_seconds: float | None = Field(
        None,
        ge=0.05,
        le=30,
        description="Length of the window that a sound model gets at once, in seconds; empty: from "
        "the clips' lengths.",
    )
    max_quarantine: Share = Field(
        0.1,
        description="Largest share of broken samples that may be quarantined before the stage "
        "fails; nothing is deleted.",
    )
    near_duplicates: bool = Field(
        True, description="Whether near duplicates are kept in one split."
    )
    splits: Splits = Field(Splits(), description="Shares of the three splits.")
    expectations: tuple[dict[str, Any], ...] = Field(
        (),
        description="Further Great Expectations over the table of samples, beside the default "
        "suite: type, kwargs, severity.",
    )
    augmentations: Augmentations = Field(
        ({"horizontal_flip": {}}, {"colour": {}}),
        description="Seeded random changes to the training split, each a name and its arguments.",
    )
    views: int = Field(
        1,
        ge=0,
        le=16,
        description="Augmented copies of each training sample, for networks from scratch and for "
        "detectors; 0: none. Heads on frozen features use train.head_views of them, and "
        "fine-tuning has train.finetune.views.",
    )
    seed: int = Field(0, ge=0, description="Seed of splits and augmentations.")
