"""The sections of a pipeline as types; every field but three has a default."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from stages import parts
from stages.runtime.errors import UnknownPart
from stages.runtime.registry import nearest

SCHEDULE = re.compile(r"@[a-z]+|[\w*/,#?-]+( +[\w*/,#?-]+){4,6}")
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]


class Section(BaseModel):
    """Frozen; an unknown key is an error, and so is a number without end."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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

    min_samples: int = Field(8, ge=3, description="Fewest samples that a label may have.")
    min_side: int = Field(8, ge=1, description="Shortest side of a picture, in pixels.")
    max_side: int = Field(12_000, ge=1, description="Longest side of a picture, in pixels.")
    max_quarantine: Share = Field(
        0.1, description="Largest share of broken samples that may be set aside."
    )
    near_duplicates: bool = Field(
        True, description="Keep pictures that look the same in one split (perceptual hash)."
    )
    splits: Splits = Splits()
    expectations: tuple[dict[str, Any], ...] = Field(
        (), description="Further Great Expectations over the manifest: type, kwargs, severity."
    )
    augmentations: tuple[dict[str, dict[str, Any]], ...] = Field(
        ({"horizontal_flip": {}}, {"colour": {}}),
        description="Seeded changes to the train split, each a name and its arguments.",
    )
    views: int = Field(1, ge=0, le=16, description="Augmented copies of each training sample.")
    seed: int = Field(0, ge=0, description="Seed of splits and augmentations.")

    @field_validator("augmentations", mode="before")
    @classmethod
    def named(cls, value: Any) -> Any:
        """Accept a bare name for an augmentation without arguments."""
        if not isinstance(value, list | tuple):
            return value
        return tuple({item: {}} if isinstance(item, str) else item for item in value)

    @field_validator("augmentations")
    @classmethod
    def known(cls, value: tuple[dict[str, dict[str, Any]], ...]) -> tuple[dict[str, Any], ...]:
        for item in value:
            for name in item:
                parts.AUGMENTATIONS.check(name)
        return value


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
    class_balance: tuple[Literal["none", "weights"], ...] = ("none", "weights")


class TrainConfig(Section):
    """Search and transfer learning."""

    families: tuple[Annotated[str, AfterValidator(parts.FAMILIES.check)], ...] = Field(
        ("efficientnet_lite0", "efficientnet_lite1"),
        min_length=1,
        description="Model families to search over.",
    )
    input_sizes: tuple[int, ...] = Field(
        (), description="Picture sizes to search over; empty means each family's own."
    )
    budget_minutes: float = Field(
        10, gt=0, description="Time to train; becomes a number of trials when the run is planned."
    )
    trials: int | None = Field(
        None, ge=1, le=2000, description="Number of trials; empty means what the budget allows."
    )
    searcher: Annotated[str, AfterValidator(parts.SEARCHERS.check)] = Field(
        "optuna", description="Who proposes the trials."
    )
    space: Space = Space()
    epochs: int = Field(60, ge=1, le=1000, description="Most passes over the training split.")
    patience: int = Field(10, ge=1, description="Epochs without a better score before a stop.")
    folds: int = Field(
        5,
        ge=1,
        le=10,
        description="Folds of train and validation together that judge a trial; "
        "1 lets the validation split judge what the train split teaches.",
    )
    halving: int = Field(3, ge=2, description="One in so many trials goes on after each rung.")
    batch: int = Field(8, ge=1, description="Trials proposed together.")
    metric: Literal["balanced_accuracy", "accuracy", "log_loss"] = Field(
        "balanced_accuracy", description="What the search raises, on the validation split."
    )
    seed: int = Field(0, ge=0, description="Seed of the search.")

    @property
    def without_budget(self) -> "TrainConfig":
        """Itself once the trials are counted: from then on the minutes decide nothing."""
        least = type(self).model_fields["budget_minutes"].default
        return self.model_copy(update={"budget_minutes": least}) if self.trials else self


GATED = (
    "accuracy",
    "balanced_accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "micro_precision",
    "micro_recall",
    "micro_f1",
)
LABEL_GATE = re.compile(r"(precision|recall|f1) of (.+)")
EVERY_LABEL = "every label"


class EvaluateConfig(Section):
    """Measuring on the test split."""

    gate: dict[str, Share] = Field(
        {},
        description="Least values for shipping, by metric: accuracy, macro_recall, ..., or "
        "'recall of LABEL', 'recall of every label' (also precision, f1); "
        "empty means better than always guessing the commonest label.",
    )
    precision: Share = Field(
        0.95, description="Share of answers to be right; sets the recommended threshold."
    )
    worst: int = Field(24, ge=0, le=200, description="Mistakes shown as pictures.")

    @field_validator("gate")
    @classmethod
    def measured(cls, value: dict[str, float]) -> dict[str, float]:
        for name in value:
            if name not in GATED and not LABEL_GATE.fullmatch(name):
                raise UnknownPart(
                    f"evaluate.gate: no metric is called '{name}'.",
                    f"{nearest(name, list(GATED))}There are: {', '.join(GATED)}, "
                    "and precision, recall or f1 of a label, as in 'recall of every label'.",
                )
        return value


class DeployConfig(Section):
    """Compressing, verifying and packing."""

    targets: tuple[Annotated[str, AfterValidator(parts.TARGETS.check)], ...] = Field(
        ("device_sdk", "cloud_api"), min_length=1, description="Kinds of package to make."
    )
    ladder: tuple[Annotated[str, AfterValidator(parts.COMPRESSORS.check)], ...] = Field(
        ("int8", "float16", "float32"),
        min_length=1,
        description="Number formats to try, best first; the first that agrees is shipped.",
    )
    max_drop: Share = Field(
        0.02, description="Largest drop in accuracy or recall of a label against the trained model."
    )
    calibration: int = Field(
        64, ge=1, le=2000, description="Training samples that set the ranges of int8."
    )


class EtlSlice(Section):
    """All that decides a Dataset, beside the raw data itself."""

    task: str
    data: DataConfig
    etl: EtlConfig


class TrainSlice(Section):
    """All that decides a Model, beside its Dataset."""

    train: TrainConfig


class EvaluateSlice(Section):
    """All that decides a Report, beside its Model and Dataset."""

    evaluate: EvaluateConfig


class DeploySlice(Section):
    """All that decides one Package, beside its Model, Report and Dataset."""

    name: str
    target: str
    deploy: DeployConfig


class PipelineConfig(Section):
    """One YAML: a task, its data, its four stages."""

    name: Name = Field(description="The pipeline's name: small letters, digits, underscores.")
    task: Annotated[str, AfterValidator(parts.TASKS.check)] = Field(
        description="What is to be predicted."
    )
    data: DataConfig = Field(description="The data set's name, or its name and revision.")
    schedule: str | None = Field(
        None,
        description="When Airflow runs it: a cron expression or '@daily'; empty means by hand.",
    )
    etl: EtlConfig = EtlConfig()
    train: TrainConfig = TrainConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    deploy: DeployConfig = DeployConfig()

    @field_validator("data", mode="before")
    @classmethod
    def by_name(cls, value: Any) -> Any:
        """Accept a bare name, or 'name@revision'."""
        if not isinstance(value, str):
            return value
        name, _, revision = value.partition("@")
        return {"name": name, "revision": revision}

    @field_validator("schedule")
    @classmethod
    def timed(cls, value: str | None) -> str | None:
        """Only the shape: Airflow checks the rest when it reads the pipeline."""
        if value and not SCHEDULE.fullmatch(value.strip()):
            raise ValueError(
                f"'{value}' is no schedule. Write a cron expression such as '0 3 * * 1', "
                "or '@daily'."
            )
        return value

    def slice(self, stage: str, target: str = "") -> Section:
        """The part of the config that `stage` may see, and whose change makes it work again."""
        match stage:
            case "etl":
                return EtlSlice(task=self.task, data=self.data, etl=self.etl)
            case "train":
                return TrainSlice(train=self.train.without_budget)
            case "evaluate":
                return EvaluateSlice(evaluate=self.evaluate)
            case _:
                deploy = self.deploy.model_copy(update={"targets": (target,)})
                return DeploySlice(name=self.name, target=target, deploy=deploy)
