"""Ray's side: an actor that teaches legs of trials alone, or one half of a trial together with
another actor."""

from dataclasses import dataclass, field
from typing import Any

import ray

from stages.models.network import assemble
from stages.train.cost.detection_budget import HALVES
from stages.train.detection.detection_problem import Problem
from stages.train.detection.detector_fit import Fit, State
from stages.train.detection.validation import Value, answers_of, measured

JUDGED = 10  # times in a whole teaching, evenly, and at the end of every leg


@dataclass
class Progress:
    """How far a trial came: `epoch`s, a row of the curve for each time it was judged, what its mean
    weights say of the held pictures, and the state (or Ray's reference to it) to go on from."""

    epoch: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    answers: list[Value] = field(default_factory=list)
    state: Any = None


def is_judged(epoch: int, leg: int, whole: int) -> bool:
    """Whether a trial is judged after `epoch`, in a leg up to epoch `leg`, of `whole` epochs."""
    return epoch == leg or epoch * JUDGED // whole > (epoch - 1) * JUDGED // whole


@ray.remote(max_restarts=0)
class Worker:
    """Holds one Fit at a time."""

    def __init__(self, problem: Problem) -> None:
        import paddle

        paddle.set_device("cpu")
        self.problem = problem
        self.fit: Fit | None = None

    def begin(self, hyperparameters: dict[str, Any], state: State | None) -> None:
        """Take up a trial: from its `state`, or from the beginning."""
        self.fit = Fit(self.problem, hyperparameters, state=state)

    def teach_epoch(self) -> None:
        """Teach both halves here for one epoch."""
        self._fit.teach_epoch()

    def half(self, place: int) -> Any:
        """What half `place` of the next batch says."""
        return self._fit.half(place)

    def step(self, *halves: Any) -> None:
        """Go on by both halves."""
        self._fit.step(*halves)

    def loss(self) -> float:
        """The mean loss of the last epoch."""
        losses = self._fit.losses[-self._fit.steps :]
        return sum(losses) / len(losses)

    def answers(self, place: int, parts: int) -> list[Value]:
        """What the mean weights say of every `parts`-th held picture, from the `place`-th on."""
        fit = self._fit
        network = assemble(fit.asked.one.family, fit.arrays())
        files = self.problem.scenes.held[place::parts]
        return answers_of(network, fit.front, fit.asked, files, self.problem.labels)

    def state(self) -> State:
        return self._fit.state()

    def arrays(self) -> dict[str, Any]:
        """The mean weights by name."""
        return self._fit.arrays()

    @property
    def _fit(self) -> Fit:
        assert self.fit is not None, "begin() comes first"  # noqa: S101
        return self.fit


def row_of(
    problem: Problem,
    hyperparameters: dict[str, Any],
    epoch: int,
    loss: float,
    answers: list[Value],
) -> dict[str, float]:
    """A row of the curve. `minutes`: what teaching so far takes both cores of the reference
    machine, by count."""
    asked = problem.asked[hyperparameters["input"]]
    shown = epoch * problem.steps(hyperparameters["batch_size"]) * hyperparameters["batch_size"]
    return {
        "epoch": epoch,
        "ap50": measured(problem.scenes.truth, answers, len(problem.labels)),
        "loss": loss,
        "minutes": shown * asked.seconds / HALVES / 60,
    }
