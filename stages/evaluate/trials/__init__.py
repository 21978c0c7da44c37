"""The report's section on the search: its trials, the chosen one and the rule that chose it."""

import json
from pathlib import Path
from typing import Any

from stages.artifacts import Model
from stages.config.device import Device
from stages.evaluate import formatting
from stages.evaluate.trials.plot import drawn
from stages.evaluate.trials.rows import TrialRow, phases, rows_of, varied
from stages.media import Modality
from stages.pages import render
from stages.parts import MODALITIES, TASKS
from stages.store import Store

HOME = Path(__file__).parent
SHOWN = 8  # rows of the table that are open
TRIALS = "trials.json"


def section_of(model: Model, device: Device, store: Store) -> str:
    """The report's section on the search that found `model`, as HTML; empty without trials.
    `device`: the limits of the search and the measurements behind them."""
    return _rendered("section.html", model, device, store)


def page_of(model: Model, device: Device, store: Store) -> str:
    """The same as a page of its own."""
    return _rendered("page.html", model, device, store)


def _rendered(template: str, model: Model, device: Device, store: Store) -> str:
    if TRIALS not in model.files or "metric" not in model.selection:
        return ""
    metric = str(model.selection["metric"])
    rows = rows_of(json.loads(store.get(model.files[TRIALS])), metric, device)
    if not rows:
        return ""
    modality: Modality = MODALITIES[TASKS[model.task].modality]
    return render(HOME / template, **_context(rows, model, metric, device), noun=modality.noun)


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
        "device": device,
        "share": metric != "log_loss",
    }
