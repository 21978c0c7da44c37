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
from stages.memo import CachedContent, Scope
from stages.opening import open_store, resources_of
from stages.settings import Settings
from stages.tracking import QuietRun, TrialProgress
from stages.train import train
from stages.train.finetune import finetuning
from tests import makers
from tests.chaos.epoch_log import FILE, noted


class EmittingRun(QuietRun):
    """Prints the progress of trials as lines of JSON."""

    def trial(self, standing: TrialProgress) -> None:
        emit(told=[standing.name, standing.epoch])


def emit(**event: Any) -> None:
    print(json.dumps(event, sort_keys=True), flush=True)


def watch_cache() -> None:
    """Report `begun` for a budget without a cached result, `done` when a result is cached."""
    find, keep = Scope.find, Scope.keep

    def reported_find(scope: Scope, key: Any) -> CachedContent | None:
        content = find(scope, key)
        if is_budget(key):
            emit(**{"known" if content else "begun": key})
        return content

    def reported_keep(scope: Scope, key: Any, content: CachedContent) -> None:
        keep(scope, key, content)
        if is_budget(key):
            emit(done=key)

    Scope.find, Scope.keep = reported_find, reported_keep  # type: ignore[method-assign]


def is_budget(key: Any) -> bool:
    """Whether `key` is that of a rung budget: hyperparameters and epochs."""
    return len(key) == 2 and isinstance(key[0], dict)


def main(workspace: str, threads: str, config: str) -> None:
    settings = Settings(workspace=Path(workspace), threads=int(threads))
    store = open_store(settings)
    part = TrainSlice(train=TrainConfig.model_validate_json(config))
    dataset = makers.dataset(store, each=20, views=1)
    watch_cache()
    finetuning.loop = partial(noted, settings.root / FILE)  # type: ignore[attr-defined]
    emit(training=True)
    model = train(dataset, part, store=store, run=EmittingRun(), resources=resources_of(settings))
    emit(model=model.ref.id)


if __name__ == "__main__":
    main(*sys.argv[1:])
