"""The part of a pipeline about training: the search, fine-tuning, resources."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from stages import parts
from stages.config.augmentations import Augmentations
from stages.config.device import Device
from stages.config.distillation import Distil, FamilyName, Prune
from stages.config.search_space import FinetuneSearchSpace, SearchSpace
from stages.config.section import Section

FOUND = "found@"  # before the name of a run, or the id of a Model, whose architecture was found


def _family(name: str) -> str:
    """Raise UnknownPart unless `name` is a family, or that of a found network."""
    return name if name.startswith(FOUND) and name != FOUND else parts.FAMILIES.check(name)


InitialWeights = Annotated[str, Field(pattern="^(scratch|[0-9a-f]{64})$")]
PrunedShare = Annotated[float, Field(gt=0, le=0.9)]


class Finetune(Section):
    """Fine-tuning, for pictures and sounds: the last layers of the best families' backbones are
    trained, beginning with the best head on their frozen features."""

    trials: int | None = Field(
        None,
        ge=0,
        le=200,
        description="Number of fine-tuning trials; empty: as many as the budget leaves time for, "
        "and none where train.trials is given; 0: none.",
    )
    families: tuple[Annotated[str, AfterValidator(parts.FAMILIES.check)], ...] = Field(
        (), description="Families that may be fine-tuned; empty: all."
    )
    minutes: float | None = Field(
        None,
        ge=0,
        description="Minutes that fine-tuning may take on the reference machine: the best input is "
        "fine-tuned as long as they allow; filled in when a run is planned.",
    )
    inputs: tuple[Annotated[str, Field(pattern=r"^[a-z0-9_]+@\d+$")], ...] = Field(
        (),
        description="Families at sizes, such as efficientnet_lite0@224, that may be fine-tuned; "
        "empty: those for which there is time, filled in when a run is planned.",
    )
    candidates: int = Field(
        2,
        ge=1,
        le=8,
        description="How many of the best inputs (a family at a size) are fine-tuned.",
    )
    epochs: int | None = Field(
        None,
        ge=1,
        le=300,
        description="Passes over the training samples in one trial; empty: 12, or 9 where the "
        "budget is short.",
    )
    folds: int = Field(
        2,
        ge=1,
        le=10,
        description="Folds of train.folds on which the best trial is validated before it is "
        "compared with the heads; it is trained anew for each but the first. One where the budget "
        "is short.",
    )
    views: int = Field(
        10,
        ge=0,
        le=64,
        description="Augmented copies of each sample whose feature maps at the split point are "
        "cached.",
    )
    augmentations: Augmentations = Field(
        (),
        description="Further augmentations of the copies that fine-tuning uses, after those of "
        "etl.augmentations; [] for none. Without etl.augmentations there are no copies.",
    )
    search_space: FinetuneSearchSpace = Field(
        FinetuneSearchSpace(), description="Hyperparameters that fine-tuning may vary."
    )

    @property
    def longest(self) -> int:
        """The epochs of a trial that is trained to the end."""
        return self.epochs or 12


class Other(Section):
    """Rejecting samples that have none of the labels (out-of-distribution)."""

    false_accepts: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="Largest share of unknown samples, of kinds not seen in training, that may be "
        "accepted as one of the labels, as far as at most 1 % of the known ones are rejected.",
    )


def _switch(value: Any) -> Any:
    """YAML reads the words on and off as true and false."""
    return {True: "auto", False: "off"}[value] if isinstance(value, bool) else value


def _off(value: Any) -> Any:
    """YAML reads the word off as false."""
    return "off" if value is False else value


class NetworkHyperparameters(Section):
    """The hyperparameters of one trial of an architecture search."""

    input: str = Field(description="Family and size, such as searched_image@64.")
    head: Literal["linear"] = Field("linear", description="Kind of head.")
    learning_rate: float = Field(gt=0, description="Learning rate of AdamW.")
    weight_decay: float = Field(ge=0, description="Decoupled weight decay of AdamW.")
    batch_size: int = Field(ge=1, description="Samples in one optimizer step.")
    class_balance: str = Field(description="How rare labels are made to count.")
    genotype: str = Field(description="The architecture, as a Model's record has it.")
    arm: str = Field(description="What proposed it: a controller or a hand design.")
    seed: int | None = Field(None, description="Number of a further training of the network.")
    soft_weight: float | None = Field(
        None, description="Share of the teacher's answers in the loss, if it learns from one."
    )
    soft_temperature: float | None = Field(
        None, description="Divisor of both networks' logits, if it learns from a teacher."
    )


class Picked(Section):
    """One trial of an earlier architecture search, trained to its end in place of a search."""

    model: str = Field(description="The Model of that search, its id; for the record.")
    trial: int = Field(ge=0, description="The trial's number in that search.")
    hyperparameters: NetworkHyperparameters = Field(description="The trial's hyperparameters.")


class TrainConfig(Section):
    """The train stage: the search and transfer learning."""

    families: tuple[Annotated[str, AfterValidator(_family)], ...] = Field(
        (),
        description="Model families to search over; empty: those of the task, for pictures all "
        "whose weights are available, without the most expensive ones where the budget is short. "
        "found@RUN is the architecture that the search of another run found, trained anew; with "
        "train.architecture it is compared with a search at equal cost.",
    )
    genotypes: dict[str, str] = Field(
        {},
        description="The architecture of each found@RUN of train.families; filled in when a run is "
        "planned, so that it needs the other run no more.",
    )
    without_weights: Literal["leave_out", "scratch"] = Field(
        "leave_out",
        description="What happens to a named family whose weights are not available: it is left "
        "out (plan, log and tags say so), or trained from scratch.",
    )
    weights: dict[Annotated[str, AfterValidator(parts.FAMILIES.check)], InitialWeights] = Field(
        {},
        description="For each family the sha256 of its initial weights, or scratch; filled in when "
        "a run is planned.",
    )
    excluded: dict[str, str] = Field(
        {},
        description="For each family that takes no part the reason; filled in when a run is "
        "planned.",
    )
    input_sizes: tuple[int, ...] = Field(
        (),
        description="Picture sizes to search over, in pixels; empty: those that each family was "
        "published with. For pictures of sounds, the side of a square with about as many pixels.",
    )
    larger: bool = Field(
        True,
        description="Whether some families are also tried with larger pictures, where no sizes are "
        "given; filled in when a run is planned, false where the budget is short.",
    )
    mirrored: bool = Field(
        False,
        description="Whether each picture is answered together with its mirror image, by the mean "
        "of both: surer where left and right mean the same, at twice the time on a device and in "
        "training. For image_classification; not for the targets microcontroller, executable, "
        "android and ios.",
    )
    budget_minutes: float = Field(
        10,
        gt=0,
        description="Time to train, in minutes: 10 by default, 20 for object detection. It is "
        "converted into a number of trials (and, of detectors, epochs) when the run is planned, so "
        "that the result does not depend on a clock.",
    )
    trials: int | None = Field(
        None, ge=1, le=2000, description="Number of trials; empty: what the budget allows."
    )
    searcher: Annotated[str, AfterValidator(parts.SEARCHERS.check)] = Field(
        "optuna",
        description="What proposes the trials: optuna (TPE), evolution (aging evolution, Real et "
        "al. 2019) or random.",
    )
    architecture: Annotated[Literal["off", "search"], BeforeValidator(_off)] = Field(
        "off",
        description="search: the architecture of a small network from scratch is searched, within "
        "train.device.parameters and macs, beside two hand designs at equal cost; for devices on "
        "which no pretrained family fits.",
    )
    controller: Annotated[str, AfterValidator(parts.CONTROLLERS.check)] = Field(
        "hierarchical_ppo",
        description="What proposes architectures, with the learning rate and the batch size of "
        "their training: hierarchical_ppo, flat_ppo or reinforce, whose policies start near the "
        "hand designs, evolution, local_search, random, or random_from_prior, which draws from "
        "such a start.",
    )
    baselines: tuple[Annotated[str, AfterValidator(parts.CONTROLLERS.check)], ...] = Field(
        ("evolution", "local_search", "random", "random_from_prior"),
        description="Further controllers that propose architectures at the same cost as "
        "train.controller, beside two hand designs; the best network of all of them is chosen. [] "
        "leaves all time to train.controller and the hand designs.",
    )
    architecture_seeds: int = Field(
        3,
        ge=1,
        le=10,
        description="Seeds with which the best network of each arm of an architecture search is "
        "trained, beside the others; the choice follows the mean over them. Fewer where the budget "
        "is short.",
    )
    picked: Picked | None = Field(
        None,
        description="One trial of an earlier architecture search that is trained in place of a "
        "search; aiwf pick fills it in.",
    )
    search_space: SearchSpace = Field(
        SearchSpace(), description="Hyperparameters that the search may vary."
    )
    epochs: int = Field(
        60,
        ge=1,
        le=1000,
        description="Most passes over the training split in one trial. Detectors: those of the "
        "most expensive input; a cheaper one makes as many as take the same time.",
    )
    patience: int = Field(
        10, ge=1, description="Epochs without a better metric after which a trial stops."
    )
    folds: int = Field(
        5,
        ge=1,
        le=10,
        description="Folds of train and validation together, for cross-validation of trials; "
        "1: trained on the train split, validated on the validation split.",
    )
    halving: int = Field(
        3,
        ge=2,
        description="Reduction factor of successive halving: after each rung one in so many trials "
        "continues.",
    )
    batch: int = Field(
        8, ge=1, description="Trials proposed at once; in fine-tuning at most `halving`."
    )
    metric: Literal["balanced_accuracy", "accuracy", "log_loss"] = Field(
        "balanced_accuracy", description="Metric that the search optimises, on held-out samples."
    )
    head_views: int = Field(
        0,
        ge=0,
        le=16,
        description="How many of the augmented copies of etl.views heads on frozen features are "
        "trained on, too: 1 for sounds, which gain by them, else 0.",
    )
    growth: bool = Field(
        True,
        description="Whether to estimate how much more data would help, by training the best head "
        "on parts of it (learning curve).",
    )
    finetune: Finetune = Field(Finetune(), description="Fine-tuning of the best families.")
    other: Annotated[Literal["auto", "off"] | Other, BeforeValidator(_switch)] = Field(
        "off",
        description="Whether the model learns to answer 'other' to samples with none of the labels "
        "(out-of-distribution), from generated negatives: auto, off, or {false_accepts: 0.05}. The "
        "threshold rejects at most 1 % of known samples.",
    )
    distil: Annotated[Literal["auto", "off"] | Distil | FamilyName, BeforeValidator(_switch)] = (
        Field(
            "off",
            description="Whether the chosen network teaches a lighter one (knowledge "
            "distillation), beside the same family trained alone: off, auto, a family's name, or a "
            "table such as {family: mobilenet_v3_small, ship: always}. With train.architecture, "
            "all searched networks learn from a teacher on a pretrained backbone.",
        )
    )
    prune: Annotated[Literal["off"] | PrunedShare | Prune, BeforeValidator(_off)] = Field(
        "off",
        description="The share of multiply-adds that is removed from the chosen network by cutting "
        "channels, such as 0.4; it is then fine-tuned with the whole network as its teacher. off, "
        "a share, or a table such as {share: 0.4, by: fpgm}.",
    )
    workers: int = Field(
        2,
        ge=1,
        le=64,
        description="Processes that fine-tune one model as a group, each with a share of every "
        "batch; the model is the same with one or two, or after one died. While detectors are "
        "compared, each process trains one; the best one is trained by two.",
    )
    device: Device = Field(Device(), description="Hard limits of the device.")
    seed: int = Field(0, ge=0, description="Seed of the search.")

    @property
    def rejects(self) -> Other | None:
        """How unknown samples are rejected; None if they are not."""
        if isinstance(self.other, Other):
            return self.other
        return Other() if self.other == "auto" else None

    @property
    def distils(self) -> Distil | None:
        """How the chosen network teaches a lighter family; None if it does not."""
        if self.distil == "off":
            return None
        return self.distil if isinstance(self.distil, Distil) else Distil(family=self.distil)

    @property
    def has_repeats(self) -> bool:
        """Whether an architecture is searched, and the best ones are trained with further seeds."""
        return self.architecture == "search" and not self.picked and self.architecture_seeds > 1

    @property
    def prunes(self) -> Prune | None:
        """How the chosen network is pruned; None if it is not."""
        if isinstance(self.prune, Prune):
            return self.prune
        return None if self.prune == "off" else Prune(share=float(self.prune))

    @property
    def has_students(self) -> bool:
        """Whether the chosen network is a teacher, of a lighter family or of its pruned self. The
        networks of an architecture search are students themselves."""
        return bool(self.distils or self.prunes) and self.architecture != "search"

    @property
    def without_shipping(self) -> "TrainConfig":
        """A copy without what decides which network ships, as nothing that is trained before that
        depends on it."""
        students = {"distil": self.distils, "prune": self.prunes}
        least = {"ship": "agreeing", "most_lost": 0.0}
        return self.model_copy(
            update={
                name: student.model_copy(update=least)
                for name, student in students.items()
                if student
            }
        )

    @property
    def validation_folds(self) -> int:
        """The number of folds on which the best fine-tuned trial is validated."""
        return min(self.folds, self.finetune.folds)

    def notices(self) -> list[str]:
        """A line for each family that was left out or has no weights: which, and why."""
        scratch = [name for name, start in self.weights.items() if start == "scratch"]
        lines = [f"{name} left out: {why}" for name, why in self.excluded.items()]
        return lines + [f"{name} begins from scratch: no weights are available" for name in scratch]

    def with_finetuning(self, **changes: Any) -> "TrainConfig":
        """A copy with these `changes` of `finetune`."""
        return self.model_copy(update={"finetune": self.finetune.model_copy(update=changes)})

    def with_tuned(self, trials: int, inputs: tuple[str, ...] = ()) -> "TrainConfig":
        """A copy with so many trials of fine-tuning, on `inputs`, or on the same inputs as before
        if none are given."""
        return self.with_finetuning(trials=trials, inputs=inputs or self.finetune.inputs)

    @property
    def without_limits(self) -> "TrainConfig":
        """A copy without the device's limits and the reasons for left-out families: once the
        families and inputs are selected, these decide nothing more."""
        least = type(self).model_fields["without_weights"].default
        changes = {"device": self.device.decisive, "excluded": {}, "without_weights": least}
        return self.model_copy(update=changes)

    @property
    def without_budget(self) -> "TrainConfig":
        """A copy without `budget_minutes`, which decide nothing once the trials are counted."""
        least = type(self).model_fields["budget_minutes"].default
        return self.model_copy(update={"budget_minutes": least}) if self.trials else self
