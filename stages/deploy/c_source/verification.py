"""Verifies a package's C library: compiles it where there is a compiler, runs the package's golden
samples, and states what was verified and what was not."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from stages.deploy.c_source import builds
from stages.deploy.c_source.builds import SAMPLE, WINDOW, GoldenSample, run_samples, samples_file
from stages.deploy.c_source.graph import QUANTIZE, Graph, read_graph
from stages.deploy.c_source.integer_reference import reference_outputs
from stages.deploy.c_source.library import M3
from stages.runtime import steps
from stages.runtime.errors import AgreementNotMet
from stages.runtime.selftest import GOLDEN

FLOAT_TOLERANCE = 1e-4  # of a network's outputs, and of scores
STEPS_ALLOWED = 1.01  # of the output's scale: one, and rounding to float32
ON_ARM = 6  # golden samples for the emulated processor, which is slow
MOST_BYTES = 400_000  # of the samples that are shipped as samples.bin


class Differences(NamedTuple):
    """The largest differences on golden samples: of the network's outputs from the reference, and
    of scores from those of the package."""

    outputs: float
    scores: float


class GoldenSet(NamedTuple):
    """The package's golden samples for the library. `samples`: with scores; `windows`: the
    network's inputs with the reference's outputs. The tolerances of both."""

    samples: list[GoldenSample]
    windows: list[GoldenSample]
    score_tolerance: float
    output_tolerance: float


def golden_set(
    folder: Path, description: Mapping[str, Any], network: Mapping[str, bytes]
) -> GoldenSet:
    """The golden samples of the package in `folder`, smallest first. Raises AgreementNotMet if it
    has none."""
    if not (folder / GOLDEN).is_file():
        raise AgreementNotMet("The package has no golden answers.", "Run the deploy stage again.")
    golden = json.loads((folder / GOLDEN).read_text(encoding="utf-8"))
    graph = read_graph(network, description["input_shape"])
    before = description["before"]
    samples, windows = [], []
    for case in golden["cases"]:
        data = (folder / case["file"]).read_bytes()
        decoded = np.ascontiguousarray(steps.run(before[:1], data))
        samples.append(GoldenSample(SAMPLE, decoded, np.asarray(case["expected"], np.float32)))
        window = steps.prepared(before, data).windows[:1]
        windows.append(
            GoldenSample(
                WINDOW, window[0], reference_outputs(graph, window).astype(np.float32).reshape(-1)
            )
        )
    order = sorted(range(len(samples)), key=lambda place: samples[place].data.nbytes)
    scale = output_scale(graph)
    return GoldenSet(
        [samples[place] for place in order],
        [windows[place] for place in order],
        _score_tolerance(description, golden["tolerance"]),
        STEPS_ALLOWED * scale if scale else FLOAT_TOLERANCE,
    )


def _score_tolerance(description: Mapping[str, Any], tolerance: float) -> float:
    """How much scores may differ; `tolerance`: of the package's own selftest."""
    return tolerance if description.get("numeric", "").startswith("int8") else FLOAT_TOLERANCE


def output_scale(graph: Graph) -> float | None:
    """The scale of the last quantization, None if there is none."""
    found = [node for node in graph.nodes if node.operator == QUANTIZE]
    return float(np.asarray(graph.constants[found[-1].inputs[1]]).reshape(())) if found else None


def verify_on_host(folder: Path, golden: GoldenSet) -> Differences:
    """Compile the library in `folder` for this computer and run `golden`. Raises AgreementNotMet if
    a difference is above its tolerance."""
    with TemporaryDirectory() as name:
        return _measured(builds.host_build(folder, Path(name)), golden, Path(name))


def verify_on_arm(folder: Path, golden: GoldenSet) -> Differences:
    """As `verify_on_host`, for an emulated Cortex-M and the smallest few samples."""
    few = golden._replace(samples=golden.samples[:ON_ARM], windows=golden.windows[:ON_ARM])
    with TemporaryDirectory() as name:
        return _measured(builds.arm_build(folder, Path(name)), few, Path(name))


def _measured(command: list[str], golden: GoldenSet, folder: Path) -> Differences:
    found = []
    for samples, tolerance in (
        (golden.windows, golden.output_tolerance),
        (golden.samples, golden.score_tolerance),
    ):
        outputs = run_samples(command, samples_file(samples, tolerance), folder)
        expected = np.array([sample.expected for sample in samples])
        large = np.abs(expected) if tolerance == FLOAT_TOLERANCE else 0  # logits may be
        allowed = tolerance * np.maximum(1, large)
        difference = np.abs(outputs - expected)
        if not (difference <= allowed).all():
            raise AgreementNotMet(
                f"microcontroller: the C library answers golden samples differently, by "
                f"{np.nanmax(difference):.3g}; at most {tolerance:.3g} is allowed.",
                "Report this with the package; deploy for device_sdk meanwhile.",
            )
        found.append(float(difference.max()))
    return Differences(*found)


def statements(folder: Path, golden: GoldenSet) -> list[str]:
    """What of the library in `folder` was verified here, and what was not, as sentences."""
    return [_of_host(folder, golden), *_of_arm(folder, golden)]


def _of_host(folder: Path, golden: GoldenSet) -> str:
    if builds.host_compiler() is None:
        return "Not verified: the C sources were not compiled, as there was no C compiler here."
    found, count = verify_on_host(folder, golden), len(golden.samples)
    return (
        f"Verified on this computer: compiled, the C sources answer {count} golden samples as the "
        f"package does. {_differences(found, golden)}"
    )


def _of_arm(folder: Path, golden: GoldenSet) -> list[str]:
    processor = M3.processor
    if not builds.can_build_for_arm():
        return [f"Not verified: no build for {processor}, as there was no compiler for it here."]
    with TemporaryDirectory() as name:
        size = builds.arm_footprint(folder, Path(name))
    built = (
        f"Built for {processor}, the library takes {size.flash} bytes of flash, and {size.ram} "
        "bytes of RAM beside the stack."
    )
    if not builds.can_emulate_arm():
        return [built, f"Not verified: the library was not run on an emulated {processor}."]
    found, count = verify_on_arm(folder, golden), min(ON_ARM, len(golden.samples))
    return [
        built,
        f"Verified on an emulated {processor}: it answers {count} golden samples as the package "
        f"does. {_differences(found, golden)}",
        "Not verified: the library was not run on a real microcontroller.",
    ]


def _differences(found: Differences, golden: GoldenSet) -> str:
    return (
        f"Scores differ by at most {found.scores:.6f} ({golden.score_tolerance:.6f} allowed), the "
        f"network's outputs from the reference by at most {found.outputs:.6f} "
        f"({golden.output_tolerance:.6f} allowed)."
    )


def shipped_samples(golden: GoldenSet) -> bytes:
    """The content of samples.bin in a package: the smallest samples, at most MOST_BYTES of them but
    at least one."""
    taken: list[GoldenSample] = []
    for sample in golden.samples:
        total = sum(each.data.nbytes for each in taken) + sample.data.nbytes
        if not taken or total <= MOST_BYTES:
            taken.append(sample)
    return samples_file(taken, golden.score_tolerance)
