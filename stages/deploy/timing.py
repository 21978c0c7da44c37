"""Latencies of a packed network and of the same network in float32. They are never part of a
package, as no time is the same twice."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from stages.deploy.device.measuring import CannotRun, printed_figures
from stages.deploy.ladder import LadderResult
from stages.deploy.packed import TimedAnswers, write_folder
from stages.deploy.workbench import WHOLE, Workbench
from stages.runtime.sealed import SEAL, seal

SAMPLES = 32  # of the test split, if float32 was not among the tested candidates


def timed(work: Workbench, result: LadderResult) -> dict[str, dict[str, Any]]:
    """The latencies of each tested number format and of float32: milliseconds from a sample's bytes
    to its answer, on one core of this machine."""
    found = {
        candidate.numeric: _latency(candidate.tested.answers)
        for candidate in result.candidates
        if candidate.tested
    }
    return found if WHOLE in found else {**found, WHOLE: _latency(_whole(work))}


def costs_of_networks(work: Workbench, result: LadderResult) -> dict[str, dict[str, float]]:
    """The costs of the network alone in each tested number format: `network_ms` for one window (95
    %), and `memory_mb` of a process that runs it. Empty for one that cannot be measured so."""
    engine, costs = work.engine, dict[str, dict[str, float]]()
    for candidate in result.candidates:
        if candidate.tested is None:
            continue
        with TemporaryDirectory() as name:
            graph = engine.place(work.compressed(candidate.numeric), Path(name))
            arguments = (engine.backend, graph, candidate.numeric, *work.model.input_shape)
            try:
                figures = printed_figures(engine.measure, *arguments)
            except CannotRun:
                continue
        network_ms, memory_mb = figures["latency_ms_p95"], figures["memory_mb"]
        costs[candidate.numeric] = {"network_ms": network_ms, "memory_mb": memory_mb}
    return costs


def _whole(work: Workbench) -> TimedAnswers:
    content = work.content(WHOLE, work.exported())
    files = work.target.files(content)
    places = np.unique(np.linspace(0, len(work.tested) - 1, SAMPLES).astype(int))
    samples = (work.store.get(work.tested[place]) for place in places)
    with TemporaryDirectory() as name:
        write_folder(Path(name), {**files, SEAL: seal(files)})
        return work.target.answers(Path(name), content, samples)


def _latency(answers: TimedAnswers) -> dict[str, Any]:
    milliseconds = 1000 * answers.seconds
    return {
        "median_ms": float(np.median(milliseconds)),
        "p95_ms": float(np.quantile(milliseconds, 0.95)),
        "load_ms": 1000 * answers.load_seconds,
        "n": len(milliseconds),
    }
