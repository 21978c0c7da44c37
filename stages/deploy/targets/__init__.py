"""Targets: the kinds of package. A target lays out the files of a package, and knows how to run
such a package on samples and how to verify it."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from stages.deploy.content import Content
from stages.deploy.packed import TimedAnswers, no_progress


class Target(Protocol):
    """What a target provides. `chooses`: whether its packages may hold several networks, of which
    the runtime chooses one by the processor."""

    chooses: ClassVar[bool]

    def files(self, content: Content) -> dict[str, bytes]:
        """The package's files by relative path, without the seal and what is measured later. Equal
        content gives equal files."""
        ...

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
        """Let the package in `folder`, made of `content`, answer `samples` in a process of its own.

        `progress` is called with the number of answered samples. `on`: set the engine options of
        that instruction set. `through`: the command of an emulator to run it under. Raises
        AgreementNotMet if a sample cannot be answered."""
        ...

    def golden_files(self, folder: Path, content: Content) -> dict[str, bytes]:
        """Further files that are made of the golden samples and answers in `folder`."""
        ...

    def statements(self, folder: Path, content: Content) -> list[str]:
        """What of the package in `folder`, which has golden samples, was verified here beside its
        selftest, and what was not, as sentences for its page. Raises AgreementNotMet if that
        fails."""
        ...

    def verify(self, folder: Path, content: Content) -> None:
        """Test the finished package in `folder` as its user would. Raises AgreementNotMet if it
        fails."""
        ...
