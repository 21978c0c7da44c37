"""Refuses to start a run whose parameters cannot be, with the sentence that a person needs.

Airflow itself would print a JSON schema, or start the run and let its first task fail."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from operators.form import filled_in
from stages.config import PipelineConfig, pipeline_files, read_pipeline
from stages.config.airflow import OWN_TEST
from stages.config.evaluate import config_of_gate
from stages.config.gate import parse_gate
from stages.faults import translated
from stages.parts import TASKS
from stages.runtime.errors import ConfigError, WorkflowError
from stages.settings import Settings

TRIGGERED = re.compile(r".*/api/v2/dags/([^/]+)/dagRuns/?")
MOST_BYTES = 1_000_000  # of a filled-in form; a longer one is left to Airflow
SCHEMA = "\n\nFailed validating"  # where the error of a Param begins to quote its schema

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class TriggerCheck:
    """ASGI middleware that answers 400 to a request to start a run whose parameters cannot be."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        found = TRIGGERED.fullmatch(scope.get("path", "")) if scope["type"] == "http" else None
        if found is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        messages, body = await _body(receive)
        problem = await asyncio.to_thread(_problem, unquote(found.group(1)), body)
        if problem:
            await _refuse(send, problem)
            return
        await self._app(scope, _again(messages, receive), _Shortened(send))


class _Shortened:
    """Sends Airflow's answer on; an error that quotes a schema ends before it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._head: Message = {}
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 400:
            self._head = message
        elif not self._head:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await _refuse(self._send, _detail(self._body).partition(SCHEMA)[0])


async def _body(receive: Receive) -> tuple[list[Message], bytes]:
    """The messages of a request as far as they were read, and its body; empty if it is too long."""
    messages: list[Message] = []
    body = b""
    while len(body) <= MOST_BYTES:
        messages.append(await receive())
        body += messages[-1].get("body", b"")
        if not messages[-1].get("more_body"):
            return messages, body
    return messages, b""


def _again(messages: list[Message], receive: Receive) -> Receive:
    """Gives `messages` once more, then what comes after them."""
    waiting = list(messages)

    async def received() -> Message:
        return waiting.pop(0) if waiting else await receive()

    return received


async def _refuse(send: Send, problem: str) -> None:
    body = json.dumps({"detail": problem}).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 400, "headers": head})
    await send({"type": "http.response.body", "body": body})


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")


def _problem(dag: str, body: bytes) -> str:
    """What is wrong with a request to run `dag`; '' if nothing is, or if Airflow has to say it."""
    try:
        answers = json.loads(body)["conf"]
    except (ValueError, KeyError, TypeError):
        return ""
    pipeline, check = _pipeline(dag), check_answers
    if pipeline is None and dag.endswith(OWN_TEST):
        pipeline, check = _pipeline(dag.removesuffix(OWN_TEST)), check_own_test
    if pipeline is None or not isinstance(answers, dict):
        return ""
    try:
        with translated():
            check(pipeline, answers, Settings())
    except WorkflowError as error:
        return " ".join(filter(None, (error.problem, error.remedy)))
    return ""


def check_answers(pipeline: PipelineConfig, answers: Mapping[str, Any], settings: Settings) -> None:
    """Raise ConfigError for `answers` of the form with which `pipeline` would fail at once."""
    from stages.etl import source
    from stages.train.cost.compatibility import check_compatibility

    filled = PipelineConfig.model_validate(filled_in(pipeline.model_dump(mode="json"), answers))
    check_compatibility(filled)
    if source.names(settings):  # else the data is elsewhere, and its revisions are not known here
        source.find(filled.data, settings)


def check_own_test(
    pipeline: PipelineConfig, answers: Mapping[str, Any], settings: Settings
) -> None:
    """Raise ConfigError for answers of the form of samples of one's own that cannot be: a data set
    that is not there, a gate that is none. A folder may be on the worker's machine alone."""
    from stages.etl import source

    samples = str(answers.get("samples") or "")
    if not samples:
        raise ConfigError("No samples are named.", "Name a folder or a data set in the form.")
    if not Path(samples).is_absolute() and source.names(settings):
        source.find(source.data_named(samples), settings)
    gate = parse_gate(str(answers.get("gate") or ""))
    config_of_gate(gate).check_gate(TASKS[pipeline.task].answers)


def _pipeline(name: str) -> PipelineConfig | None:
    """The pipeline with this name, if its YAML can be read here."""
    for path in pipeline_files(Settings().pipelines):
        try:
            pipeline = read_pipeline(path)
        except WorkflowError:  # its own page says so
            continue
        if pipeline.name == name:
            return pipeline
    return None
