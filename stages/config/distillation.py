"""The part of a pipeline about a smaller network that learns from the chosen one: distillation into
a light family, and structured pruning."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stages import parts
from stages.config.section import Section

AUTO = "auto"


def _student(name: str) -> str:
    return name if name == AUTO else parts.FAMILIES.check(name)


FamilyName = Annotated[str, AfterValidator(parts.FAMILIES.check)]
StudentName = Annotated[str, AfterValidator(_student)]


class Distillation(Section):
    """How a smaller network, the student, learns from the chosen one, the teacher."""

    temperature: float = Field(
        3.0,
        gt=0,
        le=20,
        description="Divisor of both networks' logits when the student is trained to match the "
        "teacher's scores (Hinton et al. 2015).",
    )
    weight: float = Field(
        0.7,
        ge=0,
        le=1,
        description="Share of the teacher's scores in the training loss; the rest is that of the "
        "labels.",
    )
    epochs: int | None = Field(
        None,
        ge=1,
        le=300,
        description="Passes over the training samples; empty: as many as the budget leaves time "
        "for, at most 20, and 60 for a network from scratch.",
    )
    views: int = Field(
        10,
        ge=0,
        le=64,
        description="Augmented copies of each sample that the teacher answers; fewer where the "
        "budget is short.",
    )
    ship: Literal["agreeing", "always", "never"] = Field(
        "agreeing",
        description="When the student is shipped in the teacher's place: agreeing: if it surely "
        "loses no more than `most_lost`, or if the teacher breaks a limit of train.device; always; "
        "never: it is trained and reported alone.",
    )
    most_lost: float = Field(
        0.02,
        ge=0,
        le=1,
        description="Largest loss in train.metric, on held-out samples and at the end of the "
        "paired interval, with which a student is shipped.",
    )

    @property
    def may_ship(self) -> bool:
        """Whether the student is shipped under some condition."""
        return self.ship != "never"


class Distil(Distillation):
    """Distillation: the chosen network teaches a lighter family."""

    family: StudentName = Field(
        AUTO,
        description="The student's family; auto: the lightest of the task whose weights are "
        "available, filled in when a run is planned.",
    )
    genotype: str = Field(
        "",
        description="The architecture of a searched family, as the record of a model that a search "
        "found has it; empty: one made by hand.",
    )

    teacher: StudentName = Field(
        AUTO,
        description="With train.architecture: the pretrained family whose frozen backbone, with a "
        "linear head, teaches all networks of the search; auto: the lightest of the task whose "
        "weights are available, filled in when a run is planned.",
    )


class Prune(Distillation):
    """Pruning: channels of the chosen network are removed, or single weights are set to zero, and
    the pruned network learns from the whole one."""

    share: float = Field(
        0.4,
        gt=0,
        le=0.9,
        description="Share of the network's multiply-adds that is removed; by magnitude: share of "
        "each layer's weights that is set to zero.",
    )
    by: Literal["reconstruction", "l1", "fpgm", "magnitude"] = Field(
        "reconstruction",
        description="What is pruned. Channels (structured): reconstruction: those that the layers "
        "behind them can best do without, whose weights make up for them by least squares (He et "
        "al. 2017), and l1 for a network whose layers are of 3 x 3; l1: those with the least "
        "absolute weights (Li et al. 2017); fpgm: those nearest to the other channels of their "
        "layer (He et al. 2019). Single weights (unstructured): magnitude: the smallest of each "
        "layer (Han et al. 2015); the package is no faster, and smaller only once it is "
        "compressed.",
    )

    @property
    def unstructured(self) -> bool:
        """Whether single weights are pruned, and no channels."""
        return self.by == "magnitude"
