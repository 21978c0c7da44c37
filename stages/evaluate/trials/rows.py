"""All trials of a search as rows of a table, the best first."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from stages.config.device import Device
from stages.parts import FAMILIES

LOWER = ("log_loss",)  # metrics of which less is better
SHORT_NAMES = {
    "learning_rate": "rate",
    "weight_decay": "decay",
    "batch_size": "batch",
    "class_balance": "balance",
    "label_smoothing": "smoothing",
}


class TrialRow(NamedTuple):
    """A trial. `value`: the metric that the search optimised; `score`: the same, higher is better.
    `cost`: milliseconds of one window; None if unknown. `whole`: it was trained as long as any
    trial of its phase, or until further epochs brought nothing."""

    number: int
    phase: int
    chosen: bool
    input: str
    value: float
    score: float
    loss: float | None
    epochs: int
    whole: bool
    cost: float | None
    hyperparameters: Mapping[str, Any]

    @property
    def group(self) -> str:
        """What it is drawn with: what proposed it, in an architecture search; else its input."""
        return str(self.hyperparameters.get("arm") or self.input)


def rows_of(trials: Sequence[Mapping[str, Any]], metric: str, device: Device) -> list[TrialRow]:
    """The `trials` of a Model's trials.json, ordered by `metric`, then by log loss."""
    costs = costs_of({str(trial["hyperparameters"].get("input", "")) for trial in trials}, device)
    furthest: dict[tuple[int, str], int] = {}
    for trial in trials:
        kind = _kind(trial)
        furthest[kind] = max(furthest.get(kind, 0), trial.get("rung", trial["epochs"]))
    rows = [_row(trial, metric, costs, furthest) for trial in trials if metric in trial["measures"]]
    return sorted(rows, key=lambda row: (-row.score, row.loss or 0.0, row.phase, row.number))


def _row(
    trial: Mapping[str, Any],
    metric: str,
    costs: Mapping[str, float | None],
    furthest: Mapping[tuple[int, str], int],
) -> TrialRow:
    value, chosen_by = trial["measures"][metric], dict(trial["hyperparameters"])
    name, phase = str(chosen_by.pop("input", "")), trial.get("phase", 1)
    reached = trial.get("rung", trial["epochs"])
    return TrialRow(
        number=trial["number"],
        phase=phase,
        chosen=bool(trial.get("chosen")),
        input=name,
        value=value,
        score=-value if metric in LOWER else value,
        loss=trial["measures"].get("log_loss"),
        epochs=trial["epochs"],
        whole=reached >= furthest[_kind(trial)] or trial["epochs"] < reached,
        cost=_cost(costs[name], chosen_by),
        hyperparameters=chosen_by,
    )


def _cost(cost: float | None, hyperparameters: Mapping[str, Any]) -> float | None:
    """The `cost` of a trial's input, of a pruned network without the share that was removed."""
    removed = hyperparameters["share"] if hyperparameters.get("training") == "pruned" else 0.0
    return None if cost is None else cost * (1 - removed)


def _kind(trial: Mapping[str, Any]) -> tuple[int, str]:
    """The phase of `trial`, and what it is if it is a student: with which it is compared."""
    return trial.get("phase", 1), str(trial["hyperparameters"].get("training", ""))


def is_measured(names: set[str], device: Device) -> bool:
    """Whether the cost of all these inputs was measured on a device."""
    return names <= {
        measurement.input
        for measurement in device.measured
        if measurement.latency_ms_p95 is not None and not measurement.estimated
    }


def costs_of(names: set[str], device: Device) -> dict[str, float | None]:
    """Milliseconds of one window of each input: those measured on the device, if all were measured;
    else those of the reference machine."""
    if is_measured(names, device):
        return {
            measurement.input: measurement.latency_ms_p95
            for measurement in device.measured
            if measurement.input in names
        }
    return {name: _reference(name) for name in names}


def _reference(name: str) -> float | None:
    family, _, size = name.partition("@")
    if family not in FAMILIES or not size.isdigit():
        return None
    return 1000 * float(FAMILIES[family].seconds(int(size)))


def phases(rows: Sequence[TrialRow]) -> list[tuple[int, int]]:
    """The phases of the search, and how many trials each had."""
    numbers = [row.phase for row in rows]
    return [(phase, numbers.count(phase)) for phase in sorted(set(numbers))]


def varied(rows: Sequence[TrialRow]) -> dict[tuple[int, int], str]:
    """By phase and number of a trial: its hyperparameters that differ between trials, as text."""
    names = list(dict.fromkeys(name for row in rows for name in row.hyperparameters))
    varying = [
        name for name in names if len({str(row.hyperparameters.get(name, "")) for row in rows}) > 1
    ]
    return {
        (row.phase, row.number): ", ".join(
            _hyperparameter(name, row.hyperparameters[name])
            for name in varying
            if name in row.hyperparameters
        )
        for row in rows
    }


def _hyperparameter(name: str, value: Any) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return f"{SHORT_NAMES.get(name, name.replace('_', ' '))} {text}"
