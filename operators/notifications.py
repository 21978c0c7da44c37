"""Calls the notifiers that a pipeline names: on the verdict, an awaited approval, a failure."""

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.bases.notifier import BaseNotifier

from stages.config import PipelineConfig
from stages.runtime.errors import ConfigError

log = logging.getLogger(__name__)


def notifiers_for(event: str, pipeline: PipelineConfig) -> list[BaseNotifier]:
    """The notifiers that `pipeline` names for `event`, ready to be called with a task's context.

    Raises ConfigError for a class that cannot be imported, is no notifier, or does not take its
    arguments."""
    return [
        _notifier(named.notifier, named.arguments)
        for named in pipeline.airflow.notify
        if event in named.events
    ]


def notify_all(notifiers: Iterable[BaseNotifier], context: Mapping[str, Any]) -> None:
    """Call each notifier. One that fails is logged: no message decides how a task ends."""
    for notifier in notifiers:
        try:
            notifier({**context})
        except Exception as error:  # a notifier may be anybody's
            log.error("The notifier %s failed: %s", type(notifier).__name__, error)


def notify_failure(task: BaseOperator, pipeline: PipelineConfig) -> None:
    """Let `task` call the notifiers that `pipeline` names for failures, when it has failed."""
    if notifiers := notifiers_for("failure", pipeline):
        called = partial(notify_all, notifiers)
        task.on_failure_callback = [called, *task.on_failure_callback]


def _notifier(path: str, arguments: Mapping[str, Any]) -> BaseNotifier:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
        if not issubclass(found, BaseNotifier):
            raise TypeError("it is not a notifier of Airflow")
        return found(**arguments)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigError(
            f"airflow.notify: '{path}' cannot be used: {error}.",
            "Name the class of an Airflow notifier, with the arguments that it takes.",
        ) from error
