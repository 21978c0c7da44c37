"""Compares the figures on samples held out of training with those on the test."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stages.artifacts import Measure
from stages.etl.manifest import samples_of
from stages.evaluate.formatting import capital, measured, metric, percent
from stages.evaluate.training import Training
from stages.metrics.unpaired import drop_between

DECIDING = ("balanced_accuracy", "ap50")  # the metrics, one for each kind of answer, that decide
LITTLE = 0.01  # a drop below it is hardly one


class Figure(NamedTuple):
    """One metric of the chosen trial on held-out samples, and of the model on the test."""

    name: str
    held_out: Measure
    test: Measure

    @property
    def drop(self) -> Measure:
        """The drop from held-out samples to the test; positive if the test is worse."""
        return drop_between(self.held_out, self.test)

    @property
    def dropped(self) -> bool:
        """Whether the drop is significant and large enough to matter."""
        return self.drop.low > 0 and self.drop.value >= LITTLE

    @property
    def drop_text(self) -> str:
        """The drop in points with its bounds."""
        value, low, high = (f"{100 * bound:.1f}" for bound in _bounds(self.drop))
        return f"{value} points ({low} to {high})"


class ComparisonWithTest(NamedTuple):
    """`figures`: the deciding one first. `score`: the mean score of the answers to the test;
    `right`: the share of these that is right. `noun`: what a sample is called; `answers`: what has
    a score, in the plural."""

    figures: tuple[Figure, ...]
    score: float
    right: Measure
    noun: str
    answers: str = "answers"

    @property
    def dropped(self) -> bool:
        """Whether the test is significantly worse, so that held-out figures do not hold for it."""
        return self.figures[0].dropped

    @property
    def overconfident(self) -> bool:
        """Whether scores on the test are significantly higher than the share of right answers."""
        return bool(self.right.n) and self.score > self.right.high

    @property
    def held_out(self) -> dict[str, Measure]:
        """The held-out figures by metric."""
        return {figure.name: figure.held_out for figure in self.figures}

    @property
    def summary(self) -> str:
        """Both values of the deciding metric, and whether they differ."""
        first = self.figures[0]
        name = capital(metric(first.name))
        if self.dropped:
            return (
                f"{name} drops by {first.drop_text}, from {measured(first.held_out)} on "
                f"{self.noun}s held out of training to {measured(first.test)} on the test."
            )
        return (
            f"{name} is {measured(first.held_out)} on {self.noun}s held out of training and "
            f"{measured(first.test)} on the test: no significant drop."
        )

    @property
    def trust(self) -> str:
        """How far scores on samples like the test's can be trusted."""
        if not self.right.n:
            return ""
        figures = f"on the test their mean is {percent(self.score)}, and {measured(self.right)}"
        if self.overconfident:
            return (
                f"Scores are too high on such {self.noun}s: {figures} of the {self.answers} are "
                "right. Do not take them for probabilities there."
            )
        return f"Scores can be trusted as far: {figures} of the {self.answers} are right."

    def advice(self, differs: str = "") -> str:
        """What a drop means and what to do. `differs`: what differs, if that is known."""
        what = f" ({differs})" if differs else ""
        return (
            f"{self.summary} The {self.noun}s of the test were taken elsewhere or otherwise than "
            f"those of training{what}: if the model will meet such {self.noun}s, bring such to "
            f"training; if not, test on others. {self.trust}"
        ).strip()

    @property
    def record(self) -> dict[str, Any]:
        """As JSON for metrics.json."""
        figures = {
            figure.name: {"held_out": figure.held_out, "test": figure.test, "drop": figure.drop}
            for figure in self.figures
        }
        trust = {"mean_score": self.score, "right": self.right, "overconfident": self.overconfident}
        return {"figures": figures, "dropped": self.dropped, "scores_on_test": trust}


def training_groups(training: Training | None) -> Mapping[str, str]:
    """The group of each sample of the model's dataset by its digest; none without `training`."""
    if training is None:
        return {}
    return {
        sample.digest: sample.group or sample.digest
        for sample in samples_of(training.dataset, training.store)
    }


def _bounds(measure: Measure) -> tuple[float, float, float]:
    return measure.value, measure.low, measure.high
