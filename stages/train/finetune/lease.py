"""How long the course of phase two is kept: in the store, where files do not tell their age."""

import time

from stages.blobs import Blobs
from stages.opening import open_store
from stages.settings import Settings

HOME = "tails/"  # in the store: team's name -> the time until which its course is kept


def hold(name: str, seconds: float, settings: Settings) -> None:
    """Keep the course of the team `name` for so long from now on, and forget those of other teams
    whose time is over. A course that was finished is not forgotten at once, as the stage may be
    killed before its work is recorded."""
    from stages.train.distributed import forget

    blobs = open_store(settings).blobs
    blobs.put(HOME + name, str(time.time() + seconds).encode())
    for key in list(blobs.keys(HOME)):
        if _over(blobs, key):  # asked just before, as another process may hold it again
            forget(key.removeprefix(HOME), settings)
            blobs.remove(key)


def _over(blobs: Blobs, key: str) -> bool:
    try:
        return float(blobs.get(key)) < time.time()
    except KeyError:  # another process has just forgotten it
        return False
