"""Measures, caches and loads the progress of a detector's training, from which it is resumed."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stages.memo import CachedContent, Scope
from stages.models.arrays import pack_arrays, unpack_arrays
from stages.train.cost.budget import REFERENCE_CORES
from stages.train.detection.detector_fit import DetectorFit
from stages.train.detection.validation import Value, answers_of, ap50_of
from stages.train.search.successive_halving import RungBudget

STATE = "state.npz"  # the file that has the arrays of the state
VALIDATIONS = 10  # in a complete training, evenly spaced, beside those at the end of every rung


@dataclass
class Progress:
    """How far a trial had come at its last validation. `epoch`: the epochs that were done; `curve`:
    a row for each validation; `answers`: the predictions for each validation sample, with the
    running mean of weights; `state`: of the fit (`DetectorFit.state`), None before the first
    validation."""

    epoch: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    answers: list[Value] = field(default_factory=list)
    state: Any = None

    @property
    def facts(self) -> dict[str, Any]:
        """All but the arrays of the state, as values that JSON can hold."""
        plain = {name: value for name, value in self.state.items() if not _is_array(value)}
        return {"epoch": self.epoch, "curve": self.curve, "answers": self.answers, "state": plain}

    @property
    def arrays(self) -> bytes:
        """The arrays of the state as an npz file."""
        return pack_arrays({name: value for name, value in self.state.items() if _is_array(value)})

    @classmethod
    def of(cls, facts: dict[str, Any], arrays: bytes) -> "Progress":
        """The progress with these `facts` and `arrays`."""
        return cls(**{**facts, "state": {**facts["state"], **unpack_arrays(arrays)}})

    def save(self, folder: Path) -> None:
        """Write the progress into `folder`."""
        (folder / "progress.json").write_text(json.dumps(self.facts))
        (folder / STATE).write_bytes(self.arrays)

    @classmethod
    def load(cls, folder: Path) -> "Progress":
        """What `save` wrote into `folder`."""
        facts = json.loads((folder / "progress.json").read_text())
        return cls.of(facts, (folder / STATE).read_bytes())


def is_validated(epoch: int, last: int, epochs: int) -> bool:
    """Whether a trial is validated after `epoch`, if it is trained up to epoch `last`, and a
    complete training has `epochs`: after the last one, and VALIDATIONS times in a complete
    training."""
    return epoch == last or epoch * VALIDATIONS // epochs > (epoch - 1) * VALIDATIONS // epochs


def answers_by(fit: DetectorFit, weights: Any, first: int, step: int) -> list[Value]:
    """The predictions of a network with `weights` (by name) for every `step`-th validation sample,
    from number `first` on."""
    from stages.models.network import assemble

    network = assemble(fit.input.model_input.family, weights)
    files = fit.problem.scenes.validation[first::step]
    return answers_of(network, fit.stem, fit.input, files, fit.problem.labels)


def add_validation(fit: DetectorFit, answers: list[Value], before: Progress) -> Progress:
    """The progress `before` with one more row, for the present epoch of `fit` and its `answers` to
    all validation samples, and with the present state of `fit`."""
    problem, losses = fit.problem, fit.losses[-fit.steps :]
    images = fit.epoch * fit.steps * fit.hyper["batch_size"]
    row = {
        "epoch": fit.epoch,
        "ap50": ap50_of(problem.scenes.truth, answers, len(problem.labels)),
        "loss": sum(losses) / len(losses),
        # of the reference machine with all its cores, for all epochs so far: computed, not measured
        "minutes": images * fit.input.seconds / REFERENCE_CORES / 60,
    }
    return Progress(epoch=fit.epoch, curve=[*before.curve, row], answers=answers, state=fit.state())


def save_progress(rung: RungBudget, progress: Progress, cache: Scope) -> None:
    """Cache the `progress` of the trial of `rung`, in place of what was cached before."""
    cache.keep(rung.key, CachedContent(progress.facts, {STATE: progress.arrays}))


def find_progress(rung: RungBudget, cache: Scope) -> Progress:
    """The progress of the trial of `rung` in `cache`; an empty one if there is none."""
    cached = cache.find(rung.key)
    return Progress.of(cached.facts, cached.data(STATE)) if cached else Progress()


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)
