"""The resume state of fine-tuning: results of finished rung budgets, and the states of trials that
may continue. As files it is arrays and JSON only."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.artifacts import canonical, digest_of
from stages.models.arrays import pack_arrays, unpack_arrays
from stages.train.search.successive_halving import RungBudget, Trial, TrialResult

FitState = dict[str, Any]  # as `FinetuneFit.state` gives it
ARRAYS = ("values", "mean", "first", "second")  # of a state, beside those of its best epoch


@dataclass
class ResumeState:
    """`results`: of each finished rung budget; `states`: of the fits of trials that may continue.
    Keys have the trial's number and a digest of its hyperparameters, so that a stale state is never
    reused."""

    results: dict[str, TrialResult] = field(default_factory=dict)
    states: dict[str, FitState] = field(default_factory=dict)

    def find_result(self, rung: RungBudget) -> TrialResult | None:
        """The result of `rung`, if it is finished."""
        return self.results.get(_result_name(rung))

    def result(self, rung: RungBudget) -> TrialResult:
        """The result of `rung`, which is finished."""
        return self.results[_result_name(rung)]

    def add_result(self, rung: RungBudget, result: TrialResult) -> None:
        """Keep the `result` of `rung`."""
        self.results[_result_name(rung)] = result

    def fit_state(self, rung: RungBudget) -> FitState | None:
        """The state of the trial of `rung`, if it has been trained."""
        return self.states.get(_trial_name(rung))

    def add_fit_state(self, rung: RungBudget, state: FitState) -> None:
        """Keep the `state` of the trial of `rung`."""
        self.states[_trial_name(rung)] = state

    def drop_fit_state(self, trial: RungBudget | Trial) -> None:
        """Drop the state of a trial that will not continue."""
        self.states.pop(_trial_name(trial), None)

    def save(self, folder: Path) -> None:
        """Write everything into the empty folder `folder`."""
        for name, result in self.results.items():
            _write(folder / f"result-{name}", result.facts, result.arrays)
        for name, state in self.states.items():
            arrays, plain = _as_files(state)
            _write(folder / f"state-{name}", plain, pack_arrays(arrays))

    @classmethod
    def load(cls, folder: Path | None) -> "ResumeState":
        """The resume state that `save` wrote into `folder`; an empty one if `folder` is None."""
        resume_state = cls()
        for path in sorted(folder.glob("*.json")) if folder else []:
            plain, data = json.loads(path.read_text()), path.with_suffix(".npz").read_bytes()
            what, name = path.stem.split("-", 1)
            if what == "result":
                resume_state.results[name] = TrialResult(**plain, arrays=data)
            else:
                resume_state.states[name] = _from_files(unpack_arrays(data), plain)
        return resume_state


def _as_files(state: FitState) -> tuple[dict[str, Any], dict[str, Any]]:
    """`state` as arrays by name, and as values that JSON can hold."""
    best = state["best"]
    values, statistics = best.parameters
    arrays = {name: state[name] for name in ARRAYS} | {"best": values, "logits": best.logits}
    if statistics is not None:
        arrays["statistics"] = statistics
    plain = {"done": state["done"], "curve": state["curve"]}
    return arrays, plain | {"epoch": best.epoch, "measures": best.measures}


def _from_files(arrays: dict[str, Any], plain: dict[str, Any]) -> FitState:
    """The fit state of which `_as_files` made `arrays` and `plain`."""
    from stages.train.finetune.unfrozen_network import TrainedWeights  # imports Paddle, as the next
    from stages.train.heads.fit import Best

    weights = TrainedWeights(arrays["best"], arrays.get("statistics"))
    best = Best(
        epoch=plain["epoch"],
        measures=plain["measures"],
        parameters=weights,
        logits=arrays["logits"],
    )
    arrays_of_fit = {name: arrays[name] for name in ARRAYS}
    return {"curve": plain["curve"], "best": best, "done": plain["done"], **arrays_of_fit}


def _trial_name(trial: RungBudget | Trial) -> str:
    """A trial's key: its number, which also tells the fold it is validated on (see
    `reevaluation_rungs`), and a digest of its hyperparameters."""
    return f"{trial.number}-{digest_of(canonical(trial.hyperparameters))[:16]}"


def _result_name(rung: RungBudget) -> str:
    return f"{_trial_name(rung)}-{rung.epochs}"


def _write(path: Path, plain: dict[str, Any], data: bytes) -> None:
    path.with_suffix(".json").write_text(json.dumps(plain))
    path.with_suffix(".npz").write_bytes(data)
