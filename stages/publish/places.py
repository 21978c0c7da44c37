"""Where a pipeline's history, the state of its service and its collected inputs are kept."""

from pathlib import Path

from stages.etl.source import NAME
from stages.runtime.errors import ConfigError
from stages.settings import Settings


def live_folder(pipeline: str, settings: Settings) -> Path:
    """The folder of what is live of `pipeline`. Raises ConfigError for what is no name."""
    if not NAME.fullmatch(pipeline):
        raise ConfigError(
            f"'{pipeline[:80]}' is no name of a pipeline.", "The studio's first page lists them."
        )
    return settings.root / "live" / pipeline


def published_pipelines(settings: Settings) -> list[str]:
    """The names of the pipelines that have a history."""
    return sorted(path.parent.name for path in (settings.root / "live").glob("*/history.jsonl"))
