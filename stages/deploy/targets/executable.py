"""executable: one program without Python, in the folder program/ of a device_sdk package, whose
answers it is compared with."""

import os
import platform
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from stages.deploy.c_program.building import built_program, program_answers
from stages.deploy.c_program.sources import golden_cases, network_source, package_files
from stages.deploy.content import Content
from stages.deploy.targets.device_sdk import DeviceSdk
from stages.runtime.errors import AgreementNotMet

FOLDER = "program"
# The compiled kernels add in another order than the engine of the package.
FLOAT_TOLERANCE = 1e-3


class GoldenComparison(NamedTuple):
    """How the program answers the golden samples: their number, how many have the package's label,
    and the furthest score, of which `tolerance` is allowed."""

    samples: int
    agreeing: int
    furthest: float
    tolerance: float


class Executable(DeviceSdk):
    """The reader of samples, the steps, the network and the labels in one static file. Samples of
    the test split are answered by the package's Python code; golden samples by both."""

    def files(self, content: Content) -> dict[str, bytes]:
        """The package's files by relative path. Raises ConfigError, naming it, for a network that
        cannot be compiled in."""
        network = network_source(content)
        files = super().files(content)
        section = _section(content, network.weight_bytes, network.multiplications)
        return {**files, "README.md": files["README.md"] + section.encode()}

    def golden_files(self, folder: Path, content: Content) -> dict[str, bytes]:
        """The program, which has the golden samples inside for its selftest."""
        network = network_source(content)
        files = package_files(content.description, network.digest, folder)
        program = built_program(network, files, content.description["modality"])
        return {f"{FOLDER}/{content.name}": program}

    def statements(self, folder: Path, content: Content) -> list[str]:
        """What of the program was verified here, and what not."""
        golden = golden_of(folder, content)
        size = (folder / FOLDER / content.name).stat().st_size
        return [
            f"Verified on this computer ({platform.machine()}): the program of {size} bytes "
            f"answers {golden.samples} golden samples, {golden.agreeing} with the package's label; "
            f"scores differ by at most {golden.furthest:.6f} ({golden.tolerance:g} allowed).",
            f"Not verified: the program was built for {platform.system()} on "
            f"{platform.machine()} alone, and was run on no other machine.",
        ]

    def verify(self, folder: Path, content: Content) -> None:
        """Run the package's selftest and the program's, and the program on the golden samples.
        Raises AgreementNotMet if one fails."""
        super().verify(folder, content)
        with TemporaryDirectory() as name:
            program = _runnable(folder, content, Path(name))
            done = subprocess.run(
                [str(program), "--selftest"], capture_output=True, text=True, check=False
            )
        if done.returncode:
            raise AgreementNotMet(
                f"The program's selftest ended with code {done.returncode}: {done.stderr[-400:]}",
                "Take another number format first in deploy.ladder, or report this.",
            )
        golden_of(folder, content)


def golden_of(folder: Path, content: Content) -> GoldenComparison:
    """How the program in `folder` answers the golden samples. Raises AgreementNotMet if a score is
    too far away."""

    def answered(samples: Sequence[Path]) -> list[dict[str, float]]:
        with TemporaryDirectory() as name:
            program = _runnable(folder, content, Path(name))
            return [
                {entry["label"]: entry["score"] for entry in answer["labels"]}
                for answer in program_answers(program, samples)
            ]

    return compared(folder, content, answered, "program")


def compared(
    folder: Path,
    content: Content,
    answered: Callable[[Sequence[Path]], list[dict[str, float]]],
    what: str,
) -> GoldenComparison:
    """How `answered`, of `what` is in the package, answers the golden samples in `folder`: from
    files to scores by label. Raises AgreementNotMet if a score is too far away."""
    recorded = golden_cases(folder, content.description["modality"])
    cases, labels = recorded["cases"], content.description["labels"]
    found = answered([folder / case["file"] for case in cases])
    tolerance = max(recorded["tolerance"], FLOAT_TOLERANCE)
    furthest, agreeing = 0.0, 0
    for case, scores in zip(cases, found, strict=True):
        pairs = zip(labels, case["expected"], strict=True)
        furthest = max(furthest, *(abs(scores[label] - score) for label, score in pairs))
        best = max(range(len(labels)), key=lambda place: case["expected"][place])
        agreeing += max(scores, key=scores.__getitem__) == labels[best]
    if not furthest <= tolerance:
        raise AgreementNotMet(
            f"The {what} answers golden samples differently than the package, by {furthest:.3g}; "
            f"at most {tolerance:.3g} is allowed.",
            "Take another number format first in deploy.ladder, or report this.",
        )
    return GoldenComparison(len(cases), agreeing, furthest, tolerance)


def _runnable(folder: Path, content: Content, place: Path) -> Path:
    """A copy of the program that may be run: a package's files have no such right."""
    program = place / "program"
    program.write_bytes((folder / FOLDER / content.name).read_bytes())
    os.chmod(program, 0o700)
    return program


def _section(content: Content, weight_bytes: int, multiplications: int) -> str:
    """The README's section on the program."""
    noun, name = content.modality.noun, content.name
    kinds = "JPEG or PNG" if content.description["modality"] == "pictures" else "WAV"
    return f"""
## One program

`{FOLDER}/{name}` needs no Python, no library and no other file: it has the reader of {noun}s
({kinds}), the steps, the network and the labels inside.

    chmod +x {FOLDER}/{name}
    {FOLDER}/{name} {noun}.file          # JSON, a line for each file
    {FOLDER}/{name} --selftest           # does it answer here as where it was made?

Its network is compiled from C: {weight_bytes} bytes of weights, {multiplications / 1e6:.1f} million
multiplications for an answer, without the instructions of newer processors, so that it runs on
every processor of its kind, and more slowly than the package's engine. The package's figures on the
test {noun}s are of its Python code; golden {noun}s were answered by both.
"""
