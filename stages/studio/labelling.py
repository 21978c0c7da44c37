"""Label and review: the page of a data set's draft, and what its scripts ask for."""

import json
import logging
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stages.opening import open_store
from stages.runtime.errors import BadSample, DataError, WorkflowError
from stages.settings import Settings
from stages.studio.child import called
from stages.studio.drafts import PAGE, Draft, Drafts
from stages.studio.home import data_of
from stages.studio.journal import BASE, Change, Conflict, JournalEntry, Stale
from stages.studio.rendering import NotFound, body_of, page
from stages.studio.sample_fields import SPLITS
from stages.studio.sample_filter import Filter
from stages.studio.sample_views import SampleViews
from stages.studio.stored_samples import VIEWS, sent
from stages.studio.suggestions import Suggestions
from stages.studio.suspects import doubts_of, last_model
from stages.studio.words import Translator, language_of

log = logging.getLogger("aiwf.studio")
MOST_BYTES = 16_000_000  # of one request
MOST_ACTIONS = 100  # of one request
MOST_ENTRIES = 500  # changes by everybody that are told at once
LONGEST_NOTE = 500
FLAGS = {"": None, "1": True, "0": False}
Answer = dict[str, Any]


def routes(settings: Settings) -> list[Route]:
    """The page, and what its scripts read and send."""
    labelling = Labelling(settings)
    start = "/data/{name}/label"
    reading: dict[str, Reader] = {
        "/state": labelling.state,
        "/samples": labelling.samples,
        "/changes": labelling.changes,
        "/view/{what}/{number:int}": labelling.view,
    }
    writing = {
        "/actions": labelling.actions,
        "/save": labelling.save,
        "/suggest": labelling.suggest,
    }
    return [
        Route(start, labelling.page),
        *(Route(start + path, _answering(answer)) for path, answer in reading.items()),
        *(Route(start + path, _taking(take), methods=["POST"]) for path, take in writing.items()),
    ]


class Labelling:
    """Answers requests about the drafts of a workspace."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._drafts = Drafts(settings)
        self._store = open_store(settings)
        self._suggestions = Suggestions(settings, self._drafts)
        self._views = SampleViews(settings, self._store)
        self._saving = threading.Lock()

    def page(self, request: Request) -> Response:
        """The page; its script asks for the samples. Raises NotFound if there is no such data."""
        name, _ = data_of(request, self._settings)
        texts = json.dumps(Translator(language_of(request)).group("label"), ensure_ascii=False)
        return page(request, "label.html", name=name, texts=texts, splits=SPLITS)

    def state(self, request: Request) -> Answer:
        """What the page begins with. Reads the revision if nobody did, which may take a while."""
        draft = self._draft(request)
        model = self._note_doubts(draft)
        undo, redo = draft.journal.reversible(request.query_params.get("who", ""))
        return {
            "revision": draft.revision,
            "kind": draft.facts.kind,
            "modality": draft.facts.modality,
            "number": draft.journal.number,
            "labels": draft.labels(),
            "counts": draft.counts(),
            "undo": undo,
            "redo": redo,
            "model": model,
            "dropped": draft.dropped,
            "suggestions": self._suggestions.state(draft.name)._asdict(),
        }

    def samples(self, request: Request) -> Answer:
        """A page of the samples that a filter leaves; the first page has their number, too."""
        draft, query = self._draft(request), request.query_params
        wanted = Filter(
            label=query.get("label"),
            split=query.get("split"),
            reviewed=FLAGS.get(query.get("reviewed", "")),
            excluded=FLAGS.get(query.get("excluded", "0")),
            find=query.get("find", "")[:LONGEST_NOTE],
            group=query.get("group", ""),
            suspects=query.get("suspects") == "1",
            to_label=query.get("to_label", ""),
        )
        after, limit = _number(query.get("after", "0")), _number(query.get("limit", "60"))
        found: Answer = {
            "revision": draft.revision,
            "samples": draft.page(wanted, after, max(1, min(limit, PAGE))),
        }
        return found if after else {**found, "total": draft.count(wanted)}

    def changes(self, request: Request) -> Answer:
        """What anybody changed after the entry with the number `after`."""
        draft = self._draft(request)
        after = _number(request.query_params.get("after", "0"))
        entries: list[JournalEntry] = []
        files: set[str] = set()
        for number in range(after + 1, min(draft.journal.number, after + MOST_ENTRIES) + 1):
            entries.append(draft.journal.entry(number))
            files |= {change.file for change in entries[-1].changes}
            if len(files) > MOST_ENTRIES:
                break
        return {
            "revision": draft.revision,
            "number": entries[-1].number if entries else after,
            "entries": [
                {"who": entry.who, "action": entry.action, "files": len(entry.changes)}
                for entry in entries
                if entry.kind != BASE
            ],
            "samples": draft.samples(files),
            "suggestions": self._suggestions.state(draft.name)._asdict(),
        }

    def actions(self, request: Request, content: Answer) -> Answer:
        """Take actions in their order: changes, undo, redo. Each result is what came of one; what
        is in it without a problem is on the disk."""
        listed, who = content.get("actions"), content.get("who", "")
        if not isinstance(listed, list) or not 0 < len(listed) <= MOST_ACTIONS:
            raise DataError("There are no actions.", f"Send 1 to {MOST_ACTIONS}.")
        draft = self._draft(request)
        results = []
        for action in listed:
            try:
                results.append(_taken(draft, who, action))
            except Stale:  # a revision was saved in this very moment
                draft = self._draft(request)
                results.append(_taken(draft, who, action))
        undo, redo = draft.journal.reversible(who)
        return {"revision": draft.revision, "results": results, "undo": undo, "redo": redo}

    def save(self, request: Request, content: Answer) -> Answer:
        """Make a revision of the draft, in a process of its own."""
        note = content.get("note", "")
        if not isinstance(note, str) or len(note) > LONGEST_NOTE:
            raise DataError(f"A note has {LONGEST_NOTE} letters at most.", "Shorten it.")
        name = self._draft(request).name
        with self._saving:
            saved: Answer = called("revised", {"name": name, "note": note.strip()}, self._settings)
        return saved

    def suggest(self, request: Request, content: Answer) -> Answer:
        """Begin to ask the last model for labels of samples that have none; before the first time,
        test samples are drawn, which it is never asked about."""
        return self._suggestions.start(self._draft(request).name)._asdict()

    def view(self, request: Request) -> Response:
        """A picture, thumbnail, spectrogram or sound. Its address names the revision, so that a
        browser may keep it."""
        draft = self._draft(request)
        if request.query_params.get("revision") != draft.revision:
            raise Stale("There is a newer revision.", "Load the page again.")
        what = request.path_params["what"]
        if what not in VIEWS:
            raise NotFound(f"There is no view {what}.", "")
        _, file = draft.place(request.path_params["number"])
        return sent(self._views.view(what, draft.facts.modality, file))

    def _draft(self, request: Request) -> Draft:
        name, _ = data_of(request, self._settings)
        return self._drafts.of(name)

    def _note_doubts(self, draft: Draft) -> bool:
        """Note the suspects of the newest model on these data; whether there is one. A model that
        cannot be read only means that there are no suspects."""
        try:
            model = last_model(self._store, draft.name)
            if model and draft.model() != model.ref.id:
                draft.note_doubts(model.ref.id, doubts_of(model, self._store))
        except WorkflowError as error:
            log.warning("No suspects for %s: %s", draft.name, error.problem)
        return bool(draft.model())


def _taken(draft: Draft, who: str, action: Any) -> Answer:
    """What came of one action: its number and the samples as they are now, or the problem."""
    if not isinstance(action, dict):
        raise DataError("An action is no object.", "Load the page again.")
    identity = str(action.get("action", ""))
    try:
        kind = action.get("kind", "change")
        if kind in ("undo", "redo"):
            entry, conflicts = (draft.undo if kind == "undo" else draft.redo)(identity, who)
            return {**_result(draft, identity, entry), "conflicts": conflicts}
        changes = [Change(*change) for change in _changes(action)]
        return _result(draft, identity, draft.act(identity, who, changes))
    except Conflict as error:
        return {
            "action": identity,
            "problem": error.problem,
            "conflicts": sorted(error.current),
            "authors": error.authors,
            "samples": draft.samples(error.current),
        }
    except DataError as error:
        return {"action": identity, "problem": f"{error.problem} {error.remedy}".strip()}


def _changes(action: Answer) -> Iterable[tuple[str, Answer, Answer]]:
    listed = action.get("changes")
    if not isinstance(listed, list):
        raise DataError("An action has no changes.", "Load the page again.")
    for change in listed:
        file, before, after = (
            (change.get("file"), change.get("before"), change.get("after"))
            if isinstance(change, dict)
            else (None, None, None)
        )
        if not (isinstance(file, str) and isinstance(before, dict) and isinstance(after, dict)):
            raise DataError("A change names no file and fields.", "Load the page again.")
        yield file, before, after


def _result(draft: Draft, identity: str, entry: JournalEntry | None) -> Answer:
    changes = entry.changes if entry else ()
    return {
        "action": identity,
        "number": entry.number if entry else 0,
        "samples": draft.samples(change.file for change in changes),
    }


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise DataError(f"'{text[:20]}' is no number.", "Load the page again.")
    return int(text)


Reader = Callable[[Request], Answer | Response]
Writer = Callable[[Request, Answer], Answer]


def _answering(answer: Reader) -> Callable[[Request], Any]:
    """An endpoint that runs `answer` in a thread and sends what it returns."""

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(_sent, partial(answer, request))

    return endpoint


def _taking(take: Writer) -> Callable[[Request], Any]:
    """An endpoint that reads a bounded JSON object and runs `take` with it in a thread."""

    async def endpoint(request: Request) -> Response:
        body = await body_of(request, MOST_BYTES)
        if body is None:
            return JSONResponse({"problem": "That is too much at once.", "remedy": ""}, 413)

        def take_content() -> Answer:
            try:
                content = json.loads(body)
            except (ValueError, RecursionError):
                content = None
            if not isinstance(content, dict):
                raise DataError("That is no JSON object.", "Load the page again.")
            return take(request, content)

        return await run_in_threadpool(_sent, take_content)

    return endpoint


def _sent(answer: Callable[[], Answer | Response]) -> Response:
    """The answer as JSON; an error with its remedy."""
    try:
        found = answer()
    except WorkflowError as error:
        statuses: list[tuple[type[WorkflowError], int]] = [
            (NotFound, 404),
            (Stale, 409),
            (BadSample, 415),
            (DataError, 422),
        ]
        status = next((code for kind, code in statuses if isinstance(error, kind)), 503)
        return JSONResponse({"problem": error.problem, "remedy": error.remedy}, status)
    return found if isinstance(found, Response) else JSONResponse(found)
