"""Workers for the executor's tests: importable, as Ray's workers import them."""

import os

from stages.runtime.errors import ConfigError


class Adder:
    """Adds what is shared to each piece."""

    def __init__(self, shared):
        self.shared = shared

    def work(self, piece):
        yield f"on {piece}"
        return piece + self.shared


class Mortal(Adder):
    """Kills its process, or raises, at the first tries of some pieces. Tries are counted as files
    in the folder that is shared."""

    def work(self, piece):
        place, action, tries = piece
        done = len(list(self.shared.glob(f"{place}-*")))
        (self.shared / f"{place}-{done}").touch()
        yield "begun"
        if done < tries:
            if action == "kill":
                os.kill(os.getpid(), 9)
            raise {"raise": OSError("no disk"), "refuse": ConfigError("It cannot be.")}[action]
        return place
