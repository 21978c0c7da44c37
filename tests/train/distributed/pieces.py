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


class StartingAdder(Adder):
    """Adds 1, but kills its process while it starts if there are fewer files in the folder that is
    shared than its name says; each start adds one."""

    def __init__(self, shared):
        super().__init__(1)
        starts = len(list(shared.iterdir()))
        (shared / str(starts)).touch()
        if starts < int(shared.name):
            os.kill(os.getpid(), 9)


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
