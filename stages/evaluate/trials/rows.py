"""All trials of a search as rows of a table, the best first."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from stages.config.device import Device
from stages.parts import FAMILIES

LOWER = ("log_loss",)  # metrics of which less is better
SAID = {
    "learning_rate": "rate",
    "weight_decay": "decay",
    "batch_size": "batch",
    "class_balance": "balance",
    "label_smoothing": "smoothing",
}


class Row(NamedTuple):
    """`value`: of the metric that the search raised; `score`: the same, the higher the better.
    `cost`: milliseconds of one window; None if nothing is known of the input. `whole`: it was
    taught as long as any of its phase, or until more brought nothing."""

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


def rows_of(trials: Sequence[Mapping[str, Any]], metric: str, device: Device) -> list[Row]:
    """`trials`, as a Model's trials.json has them, by `metric`; of equal ones the surest first."""
    costs = costs_of({str(one["hyperparameters"].get("input", "")) for one in trials}, device)
    furthest: dict[int, int] = {}
    for one in trials:
        phase = one.get("phase", 1)
        furthest[phase] = max(furthest.get(phase, 0), one.get("rung", one["epochs"]))
    rows = [_row(one, metric, costs, furthest) for one in trials if metric in one["measures"]]
    return sorted(rows, key=lambda row: (-row.score, row.loss or 0.0, row.phase, row.number))


def _row(
    one: Mapping[str, Any],
    metric: str,
    costs: Mapping[str, float | None],
    furthest: Mapping[int, int],
) -> Row:
    value, chosen_by = one["measures"][metric], dict(one["hyperparameters"])
    name, phase = str(chosen_by.pop("input", "")), one.get("phase", 1)
    reached = one.get("rung", one["epochs"])
    return Row(
        number=one["number"],
        phase=phase,
        chosen=bool(one.get("chosen")),
        input=name,
        value=value,
        score=-value if metric in LOWER else value,
        loss=one["measures"].get("log_loss"),
        epochs=one["epochs"],
        whole=reached >= furthest[phase] or one["epochs"] < reached,
        cost=costs[name],
        hyperparameters=chosen_by,
    )


def is_measured(names: set[str], device: Device) -> bool:
    """Whether what all of these inputs take was measured on a device."""
    return names <= {one.input for one in device.measured if one.latency_ms_p95 is not None}


def costs_of(names: set[str], device: Device) -> dict[str, float | None]:
    """Milliseconds of one window of each input: as measured on the device, if all were; else those
    of the reference machine."""
    if is_measured(names, device):
        return {one.input: one.latency_ms_p95 for one in device.measured if one.input in names}
    return {name: _reference(name) for name in names}


def _reference(name: str) -> float | None:
    family, _, size = name.partition("@")
    if family not in FAMILIES or not size.isdigit():
        return None
    return 1000 * float(FAMILIES[family].seconds(int(size)))


def phases(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """The phases of the search, and how many trials each had."""
    numbers = [row.phase for row in rows]
    return [(phase, numbers.count(phase)) for phase in sorted(set(numbers))]


def varied(rows: Sequence[Row]) -> dict[tuple[int, int], str]:
    """By phase and number of a trial: what it tried, of that in which trials differ."""
    names = list(dict.fromkeys(name for row in rows for name in row.hyperparameters))
    told = [
        name for name in names if len({str(row.hyperparameters.get(name, "")) for row in rows}) > 1
    ]
    return {
        (row.phase, row.number): ", ".join(
            _said(name, row.hyperparameters[name]) for name in told if name in row.hyperparameters
        )
        for row in rows
    }


def _said(name: str, value: Any) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return f"{SAID.get(name, name.replace('_', ' '))} {text}"
