"""To come."""

from pathlib import Path

from stages.etl.readers import Reading


class LabelStudio:
    """To come."""

    def matches(self, folder: Path) -> bool:
        return False

    def read(self, folder: Path) -> Reading:
        raise NotImplementedError
