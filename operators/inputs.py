"""The references that a task gets from the tasks before it."""

from collections.abc import Mapping
from typing import Any

from stages.artifacts import Ref
from stages.runtime.errors import ConfigError

MAKERS = {"dataset": "etl", "model": "train", "report": "evaluate"}


def references(inputs: Mapping[str, Any]) -> dict[str, Ref]:
    """The references in `inputs`, the rendered results of earlier tasks, by name.

    Raises ConfigError for a task that left none, as one does that was marked success by hand."""
    missing = [name for name, rendered in inputs.items() if not _is_reference(rendered)]
    if missing:
        makers = " and ".join(MAKERS.get(name, name) for name in missing)
        raise ConfigError(
            f"There is no {' and no '.join(missing)}: {makers} made nothing in this run. A task "
            "that is marked success by hand makes nothing.",
            f"Clear {makers}, with the tasks after it, so that it runs; finished work is reused.",
        )
    return {name: Ref(*rendered) for name, rendered in inputs.items()}


def _is_reference(rendered: Any) -> bool:
    return (
        isinstance(rendered, list | tuple)
        and len(rendered) == 2
        and all(isinstance(part, str) and part for part in rendered)
    )
