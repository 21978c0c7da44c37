"""A cache in the store for costly files that several packages share: a network that was exported or
compressed is reused by the next package of the same model."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from stages.artifacts import canonical, digest_of
from stages.runtime.errors import Damaged
from stages.store import Store


def remembered(store: Store, key: dict[str, Any], make: Callable[[], bytes]) -> bytes:
    """Return the bytes cached under `key`, or call `make` and cache its result.

    Two processes may both call `make`: equal keys give equal bytes, so either entry is right."""
    name = f"deploy/{digest_of(canonical(key))}"
    noted = store.noted(name)
    try:
        if noted:
            return store.get(noted["blob"])
    except Damaged:
        pass  # the blob is lost: make it again below
    data = make()
    store.note(name, {"blob": store.add(data)})
    return data


def remembered_files(
    store: Store, key: dict[str, Any], make: Callable[[], Mapping[str, bytes]]
) -> dict[str, bytes]:
    """Like `remembered`, for several files by name."""
    name = f"deploy/{digest_of(canonical(key))}"
    noted = store.noted(name)
    try:
        if noted:
            return {file: store.get(digest) for file, digest in noted["files"].items()}
    except Damaged:
        pass  # the blob is lost: make it again below
    files = dict(make())
    store.note(name, {"files": {file: store.add(data) for file, data in files.items()}})
    return files


def source_of(part: object, *modules: ModuleType) -> str:
    """Return the digest of the source of `part`'s package and of `modules`. It belongs into a cache
    key, as changed code may make other bytes."""
    home = Path(str(sys.modules[type(part).__module__].__file__)).parent
    paths = [*sorted(home.glob("*.py")), *(Path(str(module.__file__)) for module in modules)]
    return digest_of(b"".join(path.read_bytes() for path in paths))
