"""What a model looked at: on the page of a package, and on the mistakes of a run. A process of its
own draws it, which ends when nobody asks any more."""

import threading
from typing import Any, NamedTuple
from urllib.parse import quote

from starlette.responses import Response

from stages.artifacts import Model, Ref
from stages.closure import code_of
from stages.evaluate.activation_overlay import check_gives_map
from stages.memo import CachedContent
from stages.runtime.errors import ConfigError, WorkflowError
from stages.settings import Settings
from stages.store import Store
from stages.studio.child import environment
from stages.studio.message_process import MessageProcess

SECONDS = 180.0  # for an answer; the first one loads Paddle and the model
IDLE_SECONDS = 300.0  # after which the process ends


class DrawnOverlay(NamedTuple):
    """`jpeg`: the overlay. `facts`: label, answered, score and is_empty, as `Overlay` has them."""

    jpeg: bytes
    facts: dict[str, Any]

    @property
    def answer(self) -> Response:
        """As an answer to a browser; the facts are in its headers."""
        headers = {f"x-{key}": quote(str(value)) for key, value in self.facts.items()}
        headers["x-content-type-options"] = "nosniff"
        return Response(self.jpeg, media_type="image/jpeg", headers=headers)


class OverlayDrawer:
    """Has overlays drawn, one at a time."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._store = store
        self._process = MessageProcess(
            "stages.studio.overlay_process", SECONDS, environment(settings)
        )
        self._mutex = threading.Lock()
        self._timer: threading.Timer | None = None

    def of_picture(self, model: str, picture: bytes, label: str = "") -> DrawnOverlay:
        """The overlay of `picture` for `label`, or for what the model with that id answers; it is
        not kept. Raises what `ActivationOverlays` raises, as ConfigError."""
        return self._drawn({"model": model, "label": label}, picture)

    def of_sample(self, model: str, digest: str, label: str) -> DrawnOverlay:
        """The overlay of the sample in the store with that `digest`, from the cache or drawn."""
        key, code = ["overlay", model, digest, label], code_of("stages.evaluate.activation_overlay")
        found = self._store.memo.find(key, code)
        if found is None:
            drawn = self._drawn({"model": model, "label": label, "sample": digest}, b"")
            found = CachedContent(drawn.facts, {"jpeg": drawn.jpeg})
            self._store.memo.keep(key, code, found)
        return DrawnOverlay(found.data("jpeg"), found.facts)

    def close(self) -> None:
        """End the process."""
        self._process.end()

    def _drawn(self, request: dict[str, Any], picture: bytes) -> DrawnOverlay:
        with self._mutex:
            if self._timer is not None:
                self._timer.cancel()
            try:
                facts, jpeg = self._process.answer(request, picture)
            finally:
                self._timer = threading.Timer(IDLE_SECONDS, self.close)
                self._timer.daemon = True
                self._timer.start()
        if "problem" in facts:
            raise ConfigError(facts["problem"], facts["remedy"])
        return DrawnOverlay(jpeg, facts)


def model_of(ref: Ref | None, store: Store) -> Model:
    """The model `ref`, which gives maps. Raises ConfigError, with why, if it gives none, or
    is not in this store."""
    if ref is None or not store.holds(ref):
        raise ConfigError(
            "The model that this was made from is not in this workspace.",
            "Open it where it was trained.",
        )
    model: Model = store.load(ref)
    check_gives_map(model)
    return model


def why_no_overlay(ref: Ref | None, store: Store) -> str:
    """Why the model `ref` gives no overlay; '' if it does."""
    try:
        model_of(ref, store)
    except WorkflowError as error:
        return error.problem
    return ""
