"""The report's section on the search: its trials, the chosen one and the rule that chose it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.artifacts import Model
from stages.config.device import Device, DeviceCost
from stages.evaluate import formatting
from stages.evaluate.trials.pareto import nondominated, points_of
from stages.evaluate.trials.plot import drawn
from stages.evaluate.trials.rows import TrialRow, phases, rows_of, varied
from stages.media import Modality
from stages.pages import render
from stages.parts import MODALITIES, TASKS
from stages.store import Store

HOME = Path(__file__).parent
SHOWN = 8  # rows of the table that are open
TRIALS = "trials.json"
SIZE = "kilobytes of the network's weights as float32"


def section_of(model: Model, device: Device, store: Store) -> str:
    """The report's section on the search that found `model`, as HTML; empty without trials.
    `device`: the limits of the search and the measurements behind them."""
    return _rendered("section.html", model, device, store)


def page_of(
    model: Model, device: Device, store: Store, costs: Mapping[int, DeviceCost] | None = None
) -> str:
    """The same as a page of its own. `costs`: of the Pareto front's networks on the device, by
    trial, as far as they were measured."""
    return _rendered("page.html", model, device, store, costs)


def trials_of(model: Model, device: Device, store: Store) -> list[TrialRow]:
    """The trials of the search that found `model`, the best first; those with an architecture of
    their own have its cost."""
    trials = json.loads(store.get(model.files[TRIALS]))
    rows = rows_of(trials, str(model.selection["metric"]), device)
    costs = {
        (point.row.phase, point.row.number): point.milliseconds for point in points_of(rows, model)
    }
    return [row._replace(cost=costs.get((row.phase, row.number), row.cost)) for row in rows]


def _rendered(
    template: str,
    model: Model,
    device: Device,
    store: Store,
    costs: Mapping[int, DeviceCost] | None = None,
) -> str:
    if TRIALS not in model.files or "metric" not in model.selection:
        return ""
    metric = str(model.selection["metric"])
    rows = trials_of(model, device, store)
    if not rows:
        return ""
    modality: Modality = MODALITIES[TASKS[model.task].modality]
    return render(
        HOME / template,
        **_context(rows, model, metric, device),
        costs=costs or {},
        noun=modality.noun,
    )


def _context(rows: list[TrialRow], model: Model, metric: str, device: Device) -> dict[str, Any]:
    return {
        "model": model,
        "formatting": formatting,
        "metric": metric,
        "rows": rows,
        "shown": SHOWN,
        "chosen": next((row for row in rows if row.chosen), rows[0]),
        "phases": phases(rows),
        "varied": varied(rows),
        "plot": drawn(rows, metric, device),
        **_architectures(rows, model, metric, device),
        "device": device,
        "share": metric != "log_loss",
    }


def _architectures(
    rows: list[TrialRow], model: Model, metric: str, device: Device
) -> dict[str, Any]:
    """What the section says of an architecture search: its arms, all trials over the size of their
    networks, and the Pareto front; empty without one."""
    architecture = model.selection.get("architecture")
    if not architecture:
        return {"architecture": None}
    points = points_of(rows, model)
    sized = [point.row._replace(cost=point.kilobytes) for point in points]
    return {
        "architecture": architecture,
        "pareto_points": nondominated(points),
        "sizes": drawn(sized, metric, device, SIZE),
    }
