"""What is live of each pipeline, as a page shows it: by the history, and by what the service says.
Neither needs MLflow."""

from typing import NamedTuple

from stages.publish.following import ServiceState, state_of
from stages.publish.history import champion_of, moves
from stages.publish.places import published_pipelines
from stages.runtime.errors import WorkflowError
from stages.settings import Settings


class LivePipeline(NamedTuple):
    """What is live of a pipeline: package and version, '' and 0 if nothing is; since when; and what
    the service says of it."""

    name: str
    package: str
    version: int
    since: str
    state: ServiceState
    problem: str = ""


def live_pipelines(settings: Settings) -> list[LivePipeline]:
    """Every pipeline that was published."""
    return [live_pipeline(name, settings) for name in published_pipelines(settings)]


def live_pipeline(name: str, settings: Settings) -> LivePipeline:
    """What is live of the pipeline `name`, by its history."""
    state = state_of(name, settings)
    try:
        past = moves(name, settings)
    except WorkflowError as error:
        return LivePipeline(name, "", 0, "", state, error.problem)
    champion = champion_of(past) or ("", 0)
    return LivePipeline(name, *champion, past[-1].when if past else "", state)
