"""Keeps a library's warnings from a person who can do nothing about them; for threads, too."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_inside = 0
_saved: list[warnings.catch_warnings] = []


@contextmanager
def quiet() -> Iterator[None]:
    """Let no warning through while any thread is inside; the last one puts the filters back."""
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    # warnings.catch_warnings alone is not for threads: two that overlap leave wrong filters.
    global _inside
    with _lock:
        if _inside == 0:
            _saved.append(warnings.catch_warnings())
            _saved[-1].__enter__()
            warnings.simplefilter("ignore")
        _inside += 1


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if _inside == 0:
            _saved.pop().__exit__(None, None, None)
