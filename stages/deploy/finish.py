"""The last hand on a package: golden answers, what was measured, the page, seal and self-test."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from stages.artifacts import Package
from stages.deploy.content import spelled
from stages.deploy.golden import golden_pictures
from stages.deploy.ladder import Climb
from stages.deploy.packed import Answers, ask, self_test, write_folder
from stages.deploy.page import page
from stages.deploy.workbench import Workbench
from stages.parts import COMPRESSORS, EXPORTERS
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN
from stages.store import Store
from stages.tracking import Run

DIGITS = 5  # of golden scores; what lies behind differs from machine to machine


def finished(work: Workbench, climb: Climb) -> Package:
    """The Package of `climb`, its files in the store."""
    files = _files(work, climb)
    best = climb.best
    exporter = EXPORTERS["onnx"]
    return Package(
        files={name: work.store.add(data) for name, data in sorted(files.items())},
        parents=(work.model.ref, work.report.ref, work.dataset.ref),
        name=work.config.name,
        target=work.config.target,
        backend=exporter.backend,
        format=exporter.format,
        numeric=best.numeric,
        size_bytes=sum(len(data) for data in files.values()),
        overall=best.measured.overall,
        labels_measured=best.measured.labels,
        agreement=best.agreement.same,
        rungs=tuple(one.record for one in climb.trials),
    )


def told(package: Package, climb: Climb, store: Store, run: Run) -> None:
    """Keep what was timed beside the package, and tell the tracker all numbers."""
    timed = {one.numeric: _timed(one.tested.answers) for one in climb.trials if one.tested}
    latency = timed[package.numeric]
    store.note(f"latency/{package.ref.id}", {**latency, "rungs": timed})
    run.log_params({"target": package.target, "numeric": package.numeric})
    run.log_metrics(
        {
            "size_bytes": package.size_bytes,
            "agreement": package.agreement.value,
            **{name: one.value for name, one in package.overall.items()},
            **{f"latency_{name}": value for name, value in latency.items()},
        }
    )
    run.log_file("package.html", store.get(package.files["report.html"]))


def _files(work: Workbench, climb: Climb) -> dict[str, bytes]:
    files = dict(climb.best.files)
    with TemporaryDirectory() as name:
        folder, sdk = Path(name), f"{work.config.name}_sdk"
        write_folder(folder, {**files, SEAL: seal(files)})
        files[GOLDEN] = _golden(folder, sdk, work, climb.best.numeric)
        files["measured.json"] = spelled([one.record for one in climb.trials])
        files["report.html"] = page(work, climb).encode()
        files[SEAL] = seal(files)
        write_folder(folder, files)
        self_test(folder, sdk)
    return files


def _golden(folder: Path, sdk: str, work: Workbench, numeric: str) -> bytes:
    pictures = golden_pictures()
    answers = ask(folder, sdk, pictures.values(), work.model.labels)
    cases = [
        {"file": name, "scores": [round(float(one), DIGITS) for one in row]}
        for name, row in zip(pictures, answers.scores, strict=True)
    ]
    return spelled({"tolerance": COMPRESSORS[numeric].tolerance, "cases": cases})


def _timed(answers: Answers) -> dict[str, Any]:
    """Milliseconds for one sample from bytes to labels, on one core of this machine."""
    milliseconds = 1000 * answers.seconds
    return {
        "median_ms": float(np.median(milliseconds)),
        "p95_ms": float(np.quantile(milliseconds, 0.95)),
        "load_ms": 1000 * answers.load_seconds,
        "n": len(milliseconds),
    }
