"""Suppresses the warnings of libraries, which users can do nothing about; safe with threads."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_inside = 0
_saved: list[warnings.catch_warnings] = []


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore all warnings while any thread is inside; the last one restores the filters."""
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    # warnings.catch_warnings is not thread-safe: two that overlap leave wrong filters.
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
