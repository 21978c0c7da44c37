"""The Pareto front of an architecture search: the trials that no other trial matches in the metric
with as few parameters and multiply-accumulates (MACs). All figures are counted, not measured."""

from collections.abc import Sequence
from typing import NamedTuple

from stages.artifacts import Model
from stages.evaluate.trials.rows import TrialRow
from stages.models.genotype import Genotype, macs_of, parameters_of, parse
from stages.train.cost.architecture_cost import network_seconds

FLOAT32_BYTES = 4


class ParetoPoint(NamedTuple):
    """A trial with the figures of its network: that of all folds, as it ships, for one window.
    `kilobytes`: of its weights as float32; `milliseconds`: computed for one core of the reference
    machine."""

    row: TrialRow
    genotype: Genotype
    parameters: int
    macs: int
    milliseconds: float

    @property
    def kilobytes(self) -> float:
        return self.parameters * FLOAT32_BYTES / 1000

    def dominates(self, other: "ParetoPoint") -> bool:
        """Whether it is as good as `other` in the metric, parameters and MACs, and not equal; of
        equal ones the earlier trial dominates."""
        own, theirs = self._figures, other._figures
        as_good = all(a <= b for a, b in zip(own, theirs, strict=True))
        return as_good and (own != theirs or self.row.number < other.row.number)

    @property
    def _figures(self) -> tuple[float, int, int]:
        return (-self.row.score, self.parameters, self.macs)


def points_of(rows: Sequence[TrialRow], model: Model) -> list[ParetoPoint]:
    """The trials of `rows` that have a genotype, with their figures. `model`: of the search, whose
    windows, labels and folds are those of all trials."""
    folds, labels = int(model.selection.get("folds", 1)), len(model.labels)
    points = []
    for row in rows:
        if text := row.hyperparameters.get("genotype"):
            genotype = parse(text)
            points.append(
                ParetoPoint(
                    row=row,
                    genotype=genotype,
                    parameters=parameters_of(genotype, model.input_shape[0], labels, folds),
                    macs=macs_of(genotype, model.input_shape, labels, folds),
                    milliseconds=1000 * folds * network_seconds(genotype, model.input_shape),
                )
            )
    return points


def nondominated(points: Sequence[ParetoPoint]) -> list[ParetoPoint]:
    """The `points` that no other one dominates, the smallest network first."""
    found = [point for point in points if not any(other.dominates(point) for other in points)]
    return sorted(found, key=lambda point: (point.parameters, point.macs, point.row.number))
