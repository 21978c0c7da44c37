"""Costly files that several packages share are made once, and found through the store."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from stages.artifacts import canonical, digest_of
from stages.runtime.errors import Damaged
from stages.store import Store


def remembered(store: Store, key: dict[str, Any], make: Callable[[], bytes]) -> bytes:
    """What `make` gave for an equal `key` before, or gives now.

    Two processes at once both make it: equal keys make equal bytes, so either's note is right."""
    name = f"deploy/{digest_of(canonical(key))}"
    noted = store.noted(name)
    try:
        if noted:
            return store.get(noted["blob"])
    except Damaged:
        pass  # lost: made anew below
    data = make()
    store.note(name, {"blob": store.add(data)})
    return data


def remembered_files(
    store: Store, key: dict[str, Any], make: Callable[[], Mapping[str, bytes]]
) -> dict[str, bytes]:
    """As `remembered`, for several files by their names."""
    name = f"deploy/{digest_of(canonical(key))}"
    noted = store.noted(name)
    try:
        if noted:
            return {file: store.get(digest) for file, digest in noted["files"].items()}
    except Damaged:
        pass  # lost: made anew below
    files = dict(make())
    store.note(name, {"files": {file: store.add(data) for file, data in files.items()}})
    return files


def source_of(part: object, *modules: ModuleType) -> str:
    """The digest of `part`'s module, its neighbours and `modules`, for a key: other code may make
    other bytes."""
    home = Path(str(sys.modules[type(part).__module__].__file__)).parent
    paths = [*sorted(home.glob("*.py")), *(Path(str(module.__file__)) for module in modules)]
    return digest_of(b"".join(path.read_bytes() for path in paths))
