"""How long a packed network takes, beside the same network in float32. Never part of a package: no
time is the same twice."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from stages.deploy.ladder import Climb
from stages.deploy.packed import Answers, write_folder
from stages.deploy.workbench import WHOLE, Workbench
from stages.runtime.sealed import SEAL, seal

SAMPLES = 32  # of the test split, if float32 was no rung that was tested


def timed(work: Workbench, climb: Climb) -> dict[str, dict[str, Any]]:
    """For each number format that was tested, and for float32, milliseconds for one sample from its
    bytes to its answer, on one core of this machine."""
    found = {one.numeric: _told(one.tested.answers) for one in climb.trials if one.tested}
    return found if WHOLE in found else {**found, WHOLE: _told(_whole(work))}


def _whole(work: Workbench) -> Answers:
    content = work.content(WHOLE, work.exported())
    files = work.target.files(content)
    places = np.unique(np.linspace(0, len(work.tested) - 1, SAMPLES).astype(int))
    samples = (work.store.get(work.tested[place]) for place in places)
    with TemporaryDirectory() as name:
        write_folder(Path(name), {**files, SEAL: seal(files)})
        return work.target.answers(Path(name), content, samples)


def _told(answers: Answers) -> dict[str, Any]:
    milliseconds = 1000 * answers.seconds
    return {
        "median_ms": float(np.median(milliseconds)),
        "p95_ms": float(np.quantile(milliseconds, 0.95)),
        "load_ms": 1000 * answers.load_seconds,
        "n": len(milliseconds),
    }
