"""The review of what use left behind: a person gives each input a label or refuses it, and makes a
revision of the accepted ones. What may enter the test is shown without the model's answer: figures
on the test would be bent by labels that follow the model."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stages.config import read_pipeline
from stages.evaluate.rejected import rejected_label
from stages.opening import open_store
from stages.parts import TASKS
from stages.publish.answered_boxes import BoxFields
from stages.publish.collected import (
    ACCEPTED,
    RANDOM,
    WAITING,
    CollectedInput,
    CollectedInputs,
    split_of,
)
from stages.publish.live_pipelines import live_pipeline
from stages.publish.places import live_folder
from stages.runner.publish import unpack_package
from stages.runtime.description import description_of
from stages.runtime.errors import ConfigError, DataError
from stages.settings import Settings
from stages.studio import child
from stages.studio.journal import Change
from stages.studio.rendering import NotFound, form_of, leading_to, page
from stages.studio.sample_fields import checked, is_label
from stages.studio.sample_views import SampleViews
from stages.studio.stored_samples import VIEWS, sent
from stages.tasks import Task

SHOWN = 12  # inputs of a page
DIGEST = re.compile("[0-9a-f]{64}")


class ReviewedInput(NamedTuple):
    """An input as the page shows it. `split`: where it goes if it is accepted; `suggested`: the
    label that is chosen already, and `boxes` those that are drawn already: '' and none for what
    goes to the test."""

    found: CollectedInput
    split: str
    suggested: str
    boxes: Sequence[BoxFields]


def routes(settings: Settings) -> list[Route]:
    """The page of waiting inputs, a view of one, deciding on one, and the revision."""
    views = SampleViews(settings, open_store(settings))

    def review(request: Request) -> Response:
        name = _name(request, settings)
        inputs = CollectedInputs(name, settings).all()
        waiting = sorted(
            (each for each in inputs if each.state == WAITING),
            key=lambda each: each.reason != RANDOM,
        )
        return page(
            request,
            "review.html",
            name=name,
            inputs=[_shown(each) for each in waiting[:SHOWN]],
            waiting=len(waiting),
            accepted=sum(each.state == ACCEPTED for each in inputs),
            labels=_labels(name, settings),
            modality=_task(name, settings).modality,
            answers=_task(name, settings).answers,
            done=request.query_params.get("revision", ""),
            notice=request.query_params.get("notice", "")[:400],
        )

    def view(request: Request) -> Response:
        name, what = _name(request, settings), request.path_params["what"]
        digest = request.path_params["digest"]
        path = CollectedInputs(name, settings).path(digest)
        if not DIGEST.fullmatch(digest) or what not in VIEWS or not path.is_file():
            raise NotFound("There is no such input any more.", "Load the page again.")
        return sent(views.local(what, _task(name, settings).modality, path, digest))

    async def decide(request: Request) -> Response:
        name, form = _name(request, settings), await form_of(request)
        await run_in_threadpool(decided, name, form)
        return leading_to(request, f"/models/{name}/review")

    def decided(name: str, form: dict[str, str]) -> None:
        inputs, digest = CollectedInputs(name, settings), form.get("digest", "")
        if form.get("decision") != "accept":
            inputs.refuse(digest)
        elif _task(name, settings).answers == "boxes":
            if not DIGEST.fullmatch(digest) or not inputs.path(digest).is_file():
                raise NotFound("There is no such input any more.", "Load the page again.")
            inputs.accept(digest, boxes=_drawn(form, inputs.path(digest), digest, views))
        else:
            label = form.get("new_label") or form.get("label", "")
            if not label or not is_label(label):
                raise ConfigError("No label is chosen.", "Choose one, or write a new one.")
            inputs.accept(digest, label)

    def revise(request: Request) -> Response:
        name = _name(request, settings)
        found = child.called("revised_by_use", {"pipeline": name}, settings)
        query = urlencode({"revision": found["revision"][:8], "notice": " ".join(found["notices"])})
        return leading_to(request, f"/models/{name}/review?{query}")

    return [
        Route("/models/{name}/review", review),
        Route("/models/{name}/review", decide, methods=["POST"]),
        Route("/models/{name}/review/revision", revise, methods=["POST"]),
        Route("/models/{name}/inputs/{what}/{digest}", view),
    ]


def _shown(found: CollectedInput) -> ReviewedInput:
    split = split_of(found)
    if split == "test":
        return ReviewedInput(found, split, "", ())
    return ReviewedInput(found, split, found.reported or found.answer, found.answered)


def _labels(name: str, settings: Settings) -> list[str]:
    """The labels of the live package, without the one by which it rejects."""
    live, store = live_pipeline(name, settings), open_store(settings)
    if not live.package:
        return []
    package = store.load(store.find(f"package@{live.package}"))
    description = description_of(unpack_package(package, store, settings))
    other = rejected_label(description["after"], description["labels"])
    return [label for label in description["labels"] if label != other]


def _task(name: str, settings: Settings) -> type[Task]:
    task: type[Task] = TASKS[read_pipeline(settings.pipelines / f"{name}.yaml").task]
    return task


def _drawn(form: dict[str, str], path: Path, digest: str, views: SampleViews) -> list[BoxFields]:
    """The boxes of the form, drawn on the picture at `path`. Raises DataError for what are none, or
    lie outside the picture."""
    try:
        boxes = json.loads(form.get("boxes", ""))
        found: list[BoxFields] = checked(Change("", {}, {"boxes": boxes})).after["boxes"]
    except (ValueError, RecursionError, OverflowError):
        raise DataError("These are no boxes.", "Load the page again.") from None
    facts = views.local("view", "pictures", path, digest).facts
    if any(box[3] > facts["width"] or box[4] > facts["height"] for box in found):
        raise DataError("A box ends outside of the picture.", "Load the page again.")
    return found


def _name(request: Request, settings: Settings) -> str:
    name: str = request.path_params["name"]
    live_folder(name, settings)  # refuses what is no name
    return name
