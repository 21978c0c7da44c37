"""What a pipeline may say of the search."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from stages import parts
from stages.config.augmentations import Augmentations
from stages.config.device import Device
from stages.config.section import Section
from stages.config.space import FinetuneSpace, Space

Begun = Annotated[str, Field(pattern="^(scratch|[0-9a-f]{64})$")]


class Finetune(Section):
    """The second phase: the best families' tails are taught."""

    trials: int | None = Field(
        None,
        ge=0,
        le=200,
        description="Fine-tuned trials; empty: what the budget allows, none where train.trials is "
        "given; 0: none.",
    )
    families: tuple[Annotated[str, AfterValidator(parts.FAMILIES.check)], ...] = Field(
        (), description="Families that may be tuned; empty: all."
    )
    inputs: tuple[Annotated[str, Field(pattern=r"^[a-z0-9_]+@\d+$")], ...] = Field(
        (),
        description="Families at sizes, as efficientnet_lite0@224, that may be tuned; empty: those "
        "for which there is time, filled in when a run is planned.",
    )
    finalists: int = Field(2, ge=1, le=8, description="Best inputs of phase one that are tuned.")
    epochs: int | None = Field(
        None,
        ge=1,
        le=300,
        description="Passes over the training samples; empty: 12, or 9 where minutes are few.",
    )
    folds: int = Field(
        2,
        ge=1,
        le=10,
        description="Folds of train.folds that judge the best tail before it is set beside the "
        "heads; it is taught anew for each but the first. Where minutes are few, one does.",
    )
    views: int = Field(
        10, ge=0, le=64, description="Augmented copies whose maps at the cut are kept."
    )
    augmentations: Augmentations = Field(
        (),
        description="Further changes to the views that tails are taught, after those of "
        "etl.augmentations; where there are none of those, there are no views.",
    )
    space: FinetuneSpace = FinetuneSpace()

    @property
    def longest(self) -> int:
        """The epochs of a whole teaching."""
        return self.epochs or 12


class Other(Section):
    """Rejecting what has none of the labels."""

    false_accepts: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="Share of unknown samples that may be taken for one of the labels, of kinds "
        "that were not taught, as far as that rejects at most 1 % of the known ones.",
    )


def _word(value: Any) -> Any:
    """YAML reads the words on and off as true and false."""
    return {True: "auto", False: "off"}[value] if isinstance(value, bool) else value


class TrainConfig(Section):
    """Search and transfer learning."""

    families: tuple[Annotated[str, AfterValidator(parts.FAMILIES.check)], ...] = Field(
        (),
        description="Model families to search over; empty: what the task names, for pictures all "
        "whose weights are at hand, the dearest left out where the budget is short.",
    )
    without_weights: Literal["leave_out", "scratch"] = Field(
        "leave_out",
        description="What becomes of a named family whose weights are not at hand: it is left out, "
        "or taught from scratch.",
    )
    weights: dict[Annotated[str, AfterValidator(parts.FAMILIES.check)], Begun] = Field(
        {},
        description="Family -> sha256 of the weights that it begins with, or scratch; filled in "
        "when a run is planned.",
    )
    left_out: dict[str, str] = Field(
        {}, description="Family -> why it takes no part; filled in when a run is planned."
    )
    input_sizes: tuple[int, ...] = Field(
        (),
        description="Picture sizes to search over; empty: those that each family is known for.",
    )
    larger: bool = Field(
        True,
        description="Where no sizes are given: try some families with larger pictures, too; filled "
        "in when a run is planned, false where the budget is short.",
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
    batch: int = Field(8, ge=1, description="Trials proposed together; of tails at most `halving`.")
    metric: Literal["balanced_accuracy", "accuracy", "log_loss"] = Field(
        "balanced_accuracy", description="What the search raises, on samples that did not teach."
    )
    growth: bool = Field(
        True,
        description="Tell how much more data would help, by teaching the best head on parts of it.",
    )
    finetune: Finetune = Finetune()
    other: Annotated[Literal["auto", "off"] | Other, BeforeValidator(_word)] = Field(
        "off",
        description="Whether the model learns to answer 'other' to what has none of the labels, "
        "by negatives made for it: auto, off, or {false_accepts: 0.05}.",
    )
    workers: int = Field(
        2,
        ge=1,
        le=64,
        description="Processes that fine-tune one model together, a share each; of detectors each "
        "teaches one while several race, and two the best one together.",
    )
    device: Device = Device()
    seed: int = Field(0, ge=0, description="Seed of the search.")

    @property
    def rejects(self) -> Other | None:
        """How unknown samples are rejected; None if they are not."""
        if isinstance(self.other, Other):
            return self.other
        return Other() if self.other == "auto" else None

    @property
    def judges(self) -> int:
        """How many folds judge the best tail."""
        return min(self.folds, self.finetune.folds)

    def told(self) -> list[str]:
        """A line for each family that was left out or has no weights: which, and why."""
        scratch = [name for name, begun in self.weights.items() if begun == "scratch"]
        lines = [f"{name} left out: {why}" for name, why in self.left_out.items()]
        return lines + [f"{name} begins from scratch: no weights at hand" for name in scratch]

    def with_tails(self, epochs: int, folds: int) -> "TrainConfig":
        """Itself with so many epochs of phase two, and so many folds that judge its best."""
        finetune = self.finetune.model_copy(update={"epochs": epochs, "folds": folds})
        return self.model_copy(update={"finetune": finetune})

    def with_tuned(self, trials: int, inputs: tuple[str, ...] = ()) -> "TrainConfig":
        """Itself with so many trials of phase two, of `inputs`; of those that it had if none are
        given."""
        known = {"trials": trials, "inputs": inputs or self.finetune.inputs}
        finetune = self.finetune.model_copy(update=known)
        return self.model_copy(update={"finetune": finetune})

    @property
    def without_limits(self) -> "TrainConfig":
        """Itself once it is known which families and inputs take part: why the others do not
        decides nothing more."""
        least = type(self).model_fields["without_weights"].default
        known = {"device": self.device.decisive, "left_out": {}, "without_weights": least}
        return self.model_copy(update=known)

    @property
    def without_budget(self) -> "TrainConfig":
        """Itself once the trials are counted: from then on the minutes decide nothing."""
        least = type(self).model_fields["budget_minutes"].default
        return self.model_copy(update={"budget_minutes": least}) if self.trials else self
