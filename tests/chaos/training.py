"""Trains in a process of its own. Reports when a rung's budget begins and ends, and finally the
model; the epochs of fine-tuning are logged in the workspace.

    python -m tests.chaos.training WORKSPACE THREADS CONFIG

CONFIG is a TrainConfig as JSON. Lines of JSON go to stdout: begun and done [[trial's
hyperparameters, epochs]], told [name, epoch], model."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

from stages.config import TrainConfig, TrainSlice
from stages.opening import open_store
from stages.settings import Settings
from stages.tracking import QuietRun, TrialProgress
from stages.train import train
from stages.train.finetune import finetuning
from stages.train.journal import Entry, Journal
from tests import makers
from tests.chaos.epoch_log import FILE, noted


class EmittingRun(QuietRun):
    """Prints the progress of trials as lines of JSON."""

    def trial(self, standing: TrialProgress) -> None:
        emit(told=[standing.name, standing.epoch])


def emit(**event: Any) -> None:
    print(json.dumps(event, sort_keys=True), flush=True)


def watch_journal() -> None:
    """Report `begun` for a budget that the journal does not know, `done` when a result is saved."""
    find, keep = Journal.find, Journal.keep

    def reported_find(journal: Journal, key: Any) -> Entry | None:
        entry = find(journal, key)
        emit(**{"known" if entry else "begun": key})
        return entry

    def reported_keep(journal: Journal, key: Any, *content: Any) -> None:
        keep(journal, key, *content)
        emit(done=key)

    Journal.find, Journal.keep = reported_find, reported_keep  # type: ignore[method-assign]


def main(workspace: str, threads: str, config: str) -> None:
    settings = Settings(workspace=Path(workspace), threads=int(threads))
    store = open_store(settings)
    part = TrainSlice(train=TrainConfig.model_validate_json(config))
    dataset = makers.dataset(store, each=20, views=1)
    watch_journal()
    finetuning.loop = partial(noted, settings.root / FILE)  # type: ignore[attr-defined]
    emit(training=True)
    model = train(dataset, part, store=store, run=EmittingRun(), settings=settings)
    emit(model=model.ref.id)


if __name__ == "__main__":
    main(*sys.argv[1:])
