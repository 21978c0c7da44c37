"""The progress of a detector's training, which is cached and resumed."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stages.memo import CachedContent, Scope
from stages.models.arrays import pack_arrays, unpack_arrays
from stages.train.cost.budget import REFERENCE_CORES
from stages.train.detection.detector_fit import DetectorFit
from stages.train.detection.validation import Value, answers_of, measured
from stages.train.search.successive_halving import RungBudget

STATE = "state.npz"  # a file: the arrays of the state
VALIDATIONS = 10  # in a whole training, evenly, and at the end of every budget


@dataclass
class Progress:
    """`epoch`: how many are done; `curve`: a row for each validation; `answers`: predictions of the
    averaged weights for each validation sample; `state`: of the fit."""

    epoch: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    answers: list[Value] = field(default_factory=list)
    state: Any = None

    @property
    def facts(self) -> dict[str, Any]:
        """All but the arrays of the state, as JSON."""
        plain = {name: value for name, value in self.state.items() if not _is_array(value)}
        return {"epoch": self.epoch, "curve": self.curve, "answers": self.answers, "state": plain}

    @property
    def arrays(self) -> bytes:
        """The arrays of the state, packed."""
        return pack_arrays({name: value for name, value in self.state.items() if _is_array(value)})

    @classmethod
    def of(cls, facts: dict[str, Any], arrays: bytes) -> "Progress":
        """The progress with these `facts` and `arrays`."""
        return cls(**{**facts, "state": {**facts["state"], **unpack_arrays(arrays)}})

    def save(self, folder: Path) -> None:
        """Write it into `folder`."""
        (folder / "progress.json").write_text(json.dumps(self.facts))
        (folder / STATE).write_bytes(self.arrays)

    @classmethod
    def load(cls, folder: Path) -> "Progress":
        """What `save` wrote into `folder`."""
        facts = json.loads((folder / "progress.json").read_text())
        return cls.of(facts, (folder / STATE).read_bytes())


def is_validated(epoch: int, budget: int, whole: int) -> bool:
    """Whether a trial is validated after `epoch`, when it trains up to epoch `budget` of `whole`
    epochs."""
    return epoch == budget or epoch * VALIDATIONS // whole > (epoch - 1) * VALIDATIONS // whole


def answers_by(fit: DetectorFit, weights: Any, place: int, parts: int) -> list[Value]:
    """Predictions of a network with `weights` for every `parts`-th validation sample, from the
    `place`-th on."""
    from stages.models.network import assemble

    network = assemble(fit.input.model_input.family, weights)
    files = fit.problem.scenes.validation[place::parts]
    return answers_of(network, fit.stem, fit.input, files, fit.problem.labels)


def validated(fit: DetectorFit, answers: list[Value], before: Progress) -> Progress:
    """`before` with one more row, for the present epoch of `fit` and its `answers`."""
    problem, losses = fit.problem, fit.losses[-fit.steps :]
    images = fit.epoch * fit.steps * fit.hyper["batch_size"]
    row = {
        "epoch": fit.epoch,
        "ap50": measured(problem.scenes.truth, answers, len(problem.labels)),
        "loss": sum(losses) / len(losses),
        # of the reference machine with all its cores, for all epochs so far: computed, not measured
        "minutes": images * fit.input.seconds / REFERENCE_CORES / 60,
    }
    return Progress(fit.epoch, [*before.curve, row], answers, fit.state())


def keep(budget: RungBudget, progress: Progress, cache: Scope) -> None:
    """Cache the `progress` of the trial of `budget`, in place of what was cached before."""
    cache.keep(budget.key, CachedContent(progress.facts, {STATE: progress.arrays}))


def found(budget: RungBudget, cache: Scope) -> Progress:
    """The cached progress of the trial of `budget`; an empty one if nothing is cached."""
    cached = cache.find(budget.key)
    return Progress.of(cached.facts, cached.data(STATE)) if cached else Progress()


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)
