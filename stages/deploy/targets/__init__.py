"""Targets: the kinds of package. A target lays out a package's files, and knows how such a package
is run: how it answers samples, and how it is verified."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from stages.deploy.content import Content
from stages.deploy.packed import Answers, no_progress


class Target(Protocol):
    def files(self, content: Content) -> dict[str, bytes]:
        """The package's files by relative name, but for the seal and what is measured later. Equal
        content makes equal files."""
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
    ) -> Answers:
        """What the package in `folder`, made of `content`, answers to `samples`, in a process that
        knows nothing of this code; `progress` is told how many it has answered. `on`: with the
        engine's options of that instruction set; `through`: the command of an emulator that runs
        it. Raises AgreementNotMet if it cannot answer one of them."""
        ...

    def verify(self, folder: Path, content: Content) -> None:
        """Test the finished package in `folder` as whoever gets it would. Raises AgreementNotMet if
        it fails."""
        ...
