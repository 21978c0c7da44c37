"""Short fine-tunings come to the same numbers as before: what only the whole of a training shows,
such as the order of its batches.

Whoever changes fine-tuning on purpose writes `curves.json` again, with `python -m
tests.train.finetune.test_curves`, and says so in the notes of the release."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.train.distillation.soft_targets import SoftTargets
from stages.train.finetune.finetune_loop import FinetuneFit
from stages.train.finetune.finetune_problem import FinetuneProblem
from tests.train.curves import OF_NETWORKS, differences, summary
from tests.train.finetune.conftest import CLASSES, PLAIN, SAMPLES, VIEWS, blank_head, problem_of
from tests.train.recorded import record

TABLE = Path(__file__).with_name("curves.json")
TEACHER = SoftTargets(
    np.random.default_rng(2).normal(size=(SAMPLES * (VIEWS + 1), CLASSES)).astype(np.float32),
    temperature=2.0,
    weight=0.6,
)
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "mixed and weighted": (
        {"mixing": "cutmix", "class_balance": "weights", "interpolation": 0.5, "warm_up": 0.5},
        {},
    ),
    "mixup, a share": ({"mixing": "mixup", "mixing_share": 0.5, "layer_decay": 0.5}, {}),
    "of a teacher, on all samples": (
        {"recalibrate": True, "dropout": 0.0},
        {"soft_targets": TEACHER, "on_all_samples": True},
    ),
}


def numbers(problem: FinetuneProblem, case: str) -> dict[str, list[float]]:
    changes, options = CASES[case]
    fit = FinetuneFit(problem, PLAIN | changes, blank_head(), **options)
    fit.fit(1)
    arrays = fit.arrays(1.5)
    parts = {name: arrays[name] for name in arrays if name.startswith("head.")}
    whole = np.concatenate([np.asarray(arrays[name]).ravel() for name in sorted(arrays)])
    state = fit.state()
    vectors = {name: state[name] for name in ("values", "mean", "first", "second")}
    logits = fit.logits(np.arange(0, SAMPLES, 5))
    return summary(fit.curve, {**parts, **vectors, "all": whole, "logits": logits})


@pytest.mark.parametrize("case", CASES)
def test_fine_tuning_comes_to_what_it_came_to(finetune_problem: FinetuneProblem, case: str):
    assert not differences(numbers(finetune_problem, case), TABLE, case, OF_NETWORKS)


if __name__ == "__main__":
    record(TABLE, {case: numbers(problem_of(), case) for case in CASES})
