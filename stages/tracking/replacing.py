"""Changes a run in MLflow after it ended: replaces a file or its description."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.runtime.errors import InfrastructureError, WorkflowError
from stages.tracking import rules
from stages.tracking.links import Page
from stages.tracking.server import TrackingPlace, connect

NOTE = "mlflow.note.content"  # what MLflow shows as the description of a run


def replace_file(place: TrackingPlace, page: Page, name: str, data: bytes) -> None:
    """Put `data` in the place of the file `name` of the run of `page`.

    Raises InfrastructureError if MLflow does not take it."""
    with _answering(place), tempfile.TemporaryDirectory() as drafts:
        draft = Path(drafts) / name
        draft.write_bytes(data)
        connect(place).log_artifact(page.run, str(draft))


def describe(place: TrackingPlace, experiment: str, run: str, text: str) -> None:
    """Show `text` on the page of the pipeline run `run`, if MLflow has it.

    Raises InfrastructureError if MLflow does not take it."""
    with _answering(place):
        client = connect(place)
        query = f"tags.`aiwf.run` = '{run}' and tags.`aiwf.part` = 'pipeline'"
        for found in client.search_runs([experiment], query, max_results=1):
            client.set_tag(found.info.run_id, NOTE, rules.text_of(text, rules.LONGEST_TAG))


@contextmanager
def _answering(place: TrackingPlace) -> Iterator[None]:
    try:
        yield
    except WorkflowError:
        raise
    except Exception as error:  # SQLAlchemy, requests and MLflow each raise their own
        first = (str(error).splitlines() or [""])[0]
        raise InfrastructureError(
            f"MLflow at {place.mlflow_uri} did not take it: {type(error).__name__}: {first[:300]}.",
            "Start it (`aiwf up`), then run the same command again.",
        ) from error
