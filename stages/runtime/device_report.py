"""The report of a device: what a package's self-test found there, as JSON to be taken home.

It names the package by the digest of its seal, so that it cannot be taken for that of another."""

import platform
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from .description import description_of
from .errors import AgreementNotMet
from .libraries import installed
from .processor import processor_name
from .sealed import SEAL, read
from .selftest import SelfTest, self_tested
from .unsealed import MOST_SEAL

FORMAT = 1


def device_report(folder: Path) -> tuple[dict[str, Any], bool]:
    """Test the package in `folder` on this machine: the report, and whether it passed.

    Raises Damaged if a file was changed. A golden sample that cannot be decoded here is a failure,
    which the report says."""
    description = description_of(folder)
    report = {
        "report": FORMAT,
        "package": seal_digest(folder),
        "name": description["name"],
        "machine": platform.machine(),
        "system": platform.system(),
        "processor": processor_name(),
        "libraries": _libraries(description),
    }
    try:
        result = self_tested(folder)
    except AgreementNotMet as error:
        return {**report, "verdict": "failed", "problem": error.problem[:500]}, False
    verdict = "passed" if result.passed else "failed"
    return {**report, "verdict": verdict, "selftest": _figures(result)}, result.passed


def seal_digest(folder: Path) -> str:
    """The sha256 of the seal of the package in `folder`, which lists every file."""
    return sha256(read(folder, SEAL, MOST_SEAL)).hexdigest()


def _figures(result: SelfTest) -> dict[str, Any]:
    times = 1000 * np.array(result.seconds)
    return {
        "instruction_set": result.processor,
        "numeric": result.numeric,
        "verified": result.verified,
        "samples": result.samples,
        "agreeing": result.agreeing,
        "near": result.near,
        "near_agreeing": result.near_agreeing,
        "labels": result.labels,
        "of_labels": result.of,
        "furthest": round(float(result.furthest), 6),
        "tolerance": result.tolerance,
        "median_ms": round(float(np.median(times)), 3),
        "p95_ms": round(float(np.quantile(times, 0.95)), 3),
    }


def _libraries(description: dict[str, Any]) -> dict[str, str]:
    """The versions of Python and of the libraries that the package needs."""
    found = {name: installed(name) or "" for name in description.get("requires", {})}
    return {**found, "python": platform.python_version()}
