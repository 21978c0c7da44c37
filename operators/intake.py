"""Adds what has arrived in a watched folder as a revision of raw data."""

from pathlib import Path
from typing import Any

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from operators.assets import REVISION
from operators.failures import without_useless_retries
from operators.last_lines import end_with_the_error
from stages.faults import translated


class IntakeOperator(BaseOperator):  # type: ignore[misc]
    """Adds the content of `folder` to the data `name` as `aiwf data add` does, and says so in an
    event of the asset `data`. It is skipped, without an event, if there is nothing new."""

    ui_color = "#cfe0f7"

    def __init__(self, *, folder: str, name: str, data: Asset, **kwargs: Any) -> None:
        super().__init__(outlets=[data], **kwargs)
        end_with_the_error(self)
        self.folder = folder
        self.name = name
        self.data = data

    def execute(self, context: Any) -> str:
        with without_useless_retries(), translated():
            return self._added(context)

    def _added(self, context: Any) -> str:
        from operators.arrivals import arrival
        from stages.etl import source
        from stages.settings import Settings

        settings, found = Settings(), arrival(Path(self.folder))
        if found is None:
            raise AirflowSkipException(f"There is nothing complete in {self.folder}.")
        before = source.revisions(self.name, settings)
        note = f"arrived in {self.folder}"
        added = source.add(self.name, Path(found.path), settings, note)
        if before and before[-1].revision == added.revision:
            raise AirflowSkipException(
                f"The newest revision of '{self.name}' has the same content: {added.revision}."
            )
        for text in (f"{added.name}: {added.samples:,} samples", *added.summary):
            self.log.info("%s", text)
        extra = {REVISION: added.revision, "samples": added.samples, "note": note}
        context["outlet_events"][self.data].extra.update(extra)
        return added.revision
