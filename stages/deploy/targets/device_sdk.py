"""device_sdk: a folder that answers samples on any device with Python and a few libraries."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from stages.deploy.content import (
    Content,
    least_requirements,
    optional_requirements,
    requirements,
    spelled,
)
from stages.deploy.native_sources import native_sources
from stages.deploy.packed import TimedAnswers, no_progress, run_packed, self_test
from stages.deploy.sdk import sources
from stages.deploy.targets import texts
from stages.runtime.description import networks_of
from stages.runtime.neutral import line


class DeviceSdk:
    """Network, labels, steps as data, golden samples, and the runtime as a Python package; beside
    it the C library's sources, if that has a plug-in for the engine."""

    chooses: ClassVar[bool] = True

    def files(self, content: Content) -> dict[str, bytes]:
        """The package's files by relative path."""
        labels = content.description["labels"]
        return {
            "package.json": spelled(content.description),
            **content.network,
            "labels.txt": "".join(f"{line(label)}\n" for label in labels).encode(),
            "README.md": texts.device_readme(content).encode(),
            "requirements.txt": requirements(content.libraries)
            + optional_requirements(content.modality),
            "requirements-least.txt": least_requirements(content.description),
            **content.golden,
            **sources(content.sdk, content.description),
            **native_sources(content),
        }

    def answers(
        self,
        folder: Path,
        content: Content,
        samples: Iterable[bytes],
        progress: Callable[[int], None] = no_progress,
        *,
        on: str | None = None,
        through: Sequence[str] = (),
    ) -> TimedAnswers:
        """Let the package in `folder` answer `samples` with its own Python code."""
        sdk, description = content.sdk, content.description
        return run_packed(folder, sdk, description, samples, progress, on=on, through=through)

    def golden_files(self, folder: Path, content: Content) -> dict[str, bytes]:
        """None: the golden samples stand in the package as they are."""
        return {}

    def statements(self, folder: Path, content: Content) -> list[str]:
        """None: the whole package is verified by its selftest."""
        return []

    def verify(self, folder: Path, content: Content) -> None:
        """Run the selftest of the package in `folder`, with each of its networks. Raises
        AgreementNotMet if it fails."""
        self_test(folder, content.sdk)
        for network in networks_of(content.description)[1:]:
            self_test(folder, content.sdk, on=network["instruction_sets"][0])
