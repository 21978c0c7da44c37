"""Turns a key into JSON in which equal content is equal."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from stages.artifacts import digest_of


def fingerprint(value: Any) -> Any:
    """`value` as JSON: arrays by type, shape and the digest of their bytes, dataclasses by their
    fields, bytes by their digest. Raises TypeError for what has no content that can be compared."""
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, bytes):
        return digest_of(value)
    if is_dataclass(value):
        fields_of_value = {
            field.name: fingerprint(getattr(value, field.name)) for field in fields(value)
        }
        return [type(value).__name__, fields_of_value]
    if isinstance(value, Mapping):
        return {str(name): fingerprint(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [fingerprint(inner) for inner in value]
    import numpy as np  # here, as most commands do without it

    if isinstance(value, np.ndarray):
        data = digest_of(np.ascontiguousarray(value).tobytes())
        return [str(value.dtype), list(value.shape), data]
    raise TypeError(f"A cached value cannot have a {type(value).__name__} in its key.")
