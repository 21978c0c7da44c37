"""Targets: the kinds of package. A target is a class with `files(content)`: all files by name,
but for the seal and what is measured later. Equal content makes equal files."""

from typing import Protocol

from stages.deploy.content import Content


class Target(Protocol):
    def files(self, content: Content) -> dict[str, bytes]:
        """The package's files by relative name."""
        ...
