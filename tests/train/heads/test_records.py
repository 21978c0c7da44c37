"""The records of a Model about its search stay as they are for equal results: learning curve,
selection, baselines, counts.

Whoever changes a record on purpose writes `records.json` again, with `python -m
tests.train.heads.test_records`, and says so in the notes of the release."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.config import TrainConfig
from stages.models.arrays import pack_arrays
from stages.train.finetune.candidates import standard_error
from stages.train.heads.baselines import baselines
from stages.train.heads.growth import growth
from stages.train.heads.learning_curve import SHARES, Curve
from stages.train.heads.problem import Problem
from stages.train.heads.scores import best_temperature, measures
from stages.train.heads.validation_counts import validation_counts
from stages.train.search.selection import choose, selection_of
from stages.train.search.successive_halving import Trial, TrialResult
from tests.train.recorded import record, recorded

TABLE = Path(__file__).with_name("records.json")
NAMES = ("cat", "dog", "emu")
SMALL, LARGE = "efficientnet_lite0@224", "efficientnet_lite1@256"
CONFIG = TrainConfig(families=("efficientnet_lite1", "efficientnet_lite0"), growth=False)


def curve(groups: int) -> Curve:
    """Of 60 samples of two of three labels in `groups` groups, with three seeds."""
    rng = np.random.default_rng(1)
    labels = np.arange(60) % 2 * 2
    chance = np.array([0.5, 0.65, 0.72, 0.8])[:, None, None] + 0.1 * (labels == 2)
    sizes = np.outer(SHARES, [40, 0, 80])
    right = rng.random((4, 3, 60)) < chance
    return Curve(SHARES, right, labels, np.arange(60) % groups, sizes)


def problem(other: int | None = None, folds: int = 3, samples: int = 60) -> Problem:
    """Rows of three labels, some of which are in groups of two."""
    rows = np.arange(samples)
    plain = np.ones(samples, bool)
    return Problem(
        {}, rows % 7 % 3, rows // 3 % folds, plain, 3, folds, other=other, groups=rows // 6
    )


def trial(number: int, where: str, found: Problem, phase: int = 1, **changes: Any) -> Trial:
    """A trial with random predictions, the better the lower its number."""
    rng = np.random.default_rng(number)
    rows = np.arange(number, len(found.labels))
    truth = found.labels[rows]
    logits = rng.normal(size=(len(rows), 3)).astype(np.float32)
    logits[np.arange(len(rows)), truth] += 3 - number / 2
    result = measures(logits, truth, found.rejected)
    hyperparameters = {"input": where, "head": "linear", **changes}
    found_trial = Trial(number, hyperparameters, 5, result["balanced_accuracy"], True, phase=phase)
    arrays = pack_arrays({"rows": rows, "logits": logits})
    found_trial.result = TrialResult(result, 3 + number, False, [], arrays)
    return found_trial


def trials(found: Problem) -> list[Trial]:
    return [
        trial(0, SMALL, found),
        trial(1, LARGE, found),
        trial(2, SMALL, found, head="hidden"),
        trial(3, LARGE, found, phase=2),
        trial(4, SMALL, found, phase=3, training="distilled"),
    ]


def selected(metric: str, folds: int, phase: int, other: int | None) -> dict[str, Any]:
    """The selection among the trials of the first phases, the baselines, and the counts."""
    found = problem(other, folds)
    config = CONFIG.model_copy(update={"metric": metric, "folds": folds})
    every = [each for each in trials(found) if each.phase <= phase]
    if metric == "log_loss":
        for each in every:
            assert each.result is not None
            each.score = -each.result.measures["log_loss"]
    chosen = choose(every, config, found.samples)
    assert chosen.result is not None
    rows = np.arange(chosen.number, len(found.labels))
    options = {"samples": found.samples, "folds": folds, "in_guessed_groups": phase - 1}
    return {
        "selection": selection_of(every, chosen, config, **options),
        "baselines": baselines(every, every[-1], config, found),
        "counts": validation_counts(found, rows, NAMES),
        "error": standard_error(chosen.score, metric, found.samples),
    }


def scored() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    logits, truth = rng.normal(size=(90, 3)).astype(np.float32) * 1.2, np.arange(90) % 3
    logits[np.arange(90), truth] += 2
    return {
        "measures": [measures(logits, truth, other) for other in (-1, 1)],
        "temperatures": [best_temperature(logits, truth, other) for other in (-1, 1)],
    }


CASES = {
    **{f"growth, {groups} groups": (growth, (curve(groups), NAMES, groups)) for groups in (20, 60)},
    **{
        f"selected by {metric}, {folds} folds, phase {phase}, other {other}": (
            selected,
            (metric, folds, phase, other),
        )
        for metric, folds, phase, other in (
            ("balanced_accuracy", 3, 1, None),
            ("accuracy", 3, 2, 2),
            ("log_loss", 3, 3, None),
            ("balanced_accuracy", 1, 2, None),
            ("accuracy", 5, 3, 1),
        )
    },
    "scores": (scored, ()),
}


def numbers(value: Any) -> Any:
    """`value` with approximate numbers, as pytest compares them."""
    if isinstance(value, dict):
        return {key: numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [numbers(each) for each in value]
    return pytest.approx(value, rel=1e-3, abs=2e-6) if isinstance(value, float) else value


def record_of(case: str) -> Any:
    function, arguments = CASES[case]
    return json.loads(json.dumps(function(*arguments)))


@pytest.mark.parametrize("case", CASES)
def test_a_record_is_as_before(case: str):
    assert record_of(case) == numbers(recorded(TABLE, case))


if __name__ == "__main__":
    record(TABLE, {case: record_of(case) for case in CASES})
