"""How far each trial of a search has come, kept whenever it is judged: a search that was killed
goes on from there."""

from typing import TYPE_CHECKING, Any

import numpy as np

from stages.models.arrays import pack_arrays, unpack_arrays
from stages.settings import Settings
from stages.train.detection.detection_problem import Problem
from stages.train.journal import Journal
from stages.train.search.successive_halving import RungBudget

if TYPE_CHECKING:
    from stages.train.detection.worker import Progress


def journal_of(problem: Problem, settings: Settings) -> Journal:
    """Where trials of `problem` are kept until its model is saved."""
    asked = [problem.labels, problem.asked, problem.published, problem.epochs]
    return Journal.of(settings, problem.scenes.dataset.ref.id, asked)


def keep(leg: RungBudget, come: "Progress", journal: Journal) -> None:
    """Keep how far `leg` has come, in place of what was kept of it before."""
    state: dict[str, Any] = dict(come.state)
    arrays = {name: state.pop(name) for name in list(state) if isinstance(state[name], np.ndarray)}
    facts = {"epoch": come.epoch, "curve": come.curve, "answers": come.answers, "state": state}
    journal.keep(leg.key, facts, pack_arrays(arrays))


def found(leg: RungBudget, journal: Journal) -> "Progress | None":
    """How far `leg` came before, if that is known."""
    from stages.train.detection.worker import Progress

    entry = journal.find(leg.key)
    if entry is None:
        return None
    state = {**entry.facts.pop("state"), **unpack_arrays(entry.data)}
    return Progress(**entry.facts, state=state)
