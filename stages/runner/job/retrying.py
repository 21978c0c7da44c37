"""A head of a cluster that cannot answer for a while is asked again: it, its agents or what stands
before it may just be starting."""

import re
import time
from collections.abc import Callable
from typing import TypeVar

from stages.tracking import Run

PAUSE = 2.0  # seconds between two tries
TRIES = 30  # one after the other: a head may take a minute to come back
FIRST = 6  # at an address where nobody has answered yet
LATER = re.compile(r"status code (5\d\d|408|429)\b")  # in the words of Ray's client

Answer = TypeVar("Answer")


def patient(
    call: Callable[[], Answer], run: Run, tries: int = TRIES, pause: float = PAUSE
) -> Answer:
    """What `call` gives, asked at most `tries` times; `run` hears of each try in vain. Raises what
    it raises at the last one, or at once what no waiting helps against."""
    tried = 1
    while True:
        try:
            return call()
        except Exception as error:  # Ray raises what it meets
            if tried >= tries or not is_transient(error):
                raise
        run.progress("tries to reach Ray", tried, tries)
        tried += 1
        time.sleep(pause)


def is_transient(error: Exception) -> bool:
    """Whether the same request may be answered later: nobody is there yet, the connection broke, or
    the head says that it cannot answer now."""
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        code = error.response.status_code
        return code >= 500 or code in (408, 429)
    if isinstance(error, exceptions.SSLError | ValueError):  # an address that cannot be
        return False
    return isinstance(error, OSError) or bool(LATER.search(str(error)))
