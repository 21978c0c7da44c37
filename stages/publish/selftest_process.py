"""The process in which a package is tested before it becomes live. It imports little."""

import sys
from pathlib import Path

from stages.runtime.selftest import selftest


def main(folder: str) -> None:
    """Run the selftest of the package in `folder`; exit with what is wrong if it fails."""
    try:
        selftest(Path(folder))
    except Exception as error:  # whatever it is, the package is not taken
        sys.exit(str(error).replace("\n", " "))
