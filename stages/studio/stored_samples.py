"""The samples of datasets in the store, by their digest, as a browser shows and plays them."""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stages.opening import open_store
from stages.parts import MODALITIES
from stages.runtime.errors import Damaged
from stages.settings import Settings
from stages.studio.rendering import NotFound
from stages.studio.sample_views import RenderedSample, SampleViews

DAY = 86_400
VIEWS = ("thumbnail", "view", "sound")


def routes(settings: Settings) -> list[Route]:
    """A view of a sample; its address names the content, so that a browser may keep it."""
    views = SampleViews(settings, open_store(settings))

    def sample(request: Request) -> Response:
        modality, what, digest = (
            request.path_params[name] for name in ("modality", "what", "digest")
        )
        if modality not in MODALITIES or what not in VIEWS:
            raise NotFound("There is no such view.", "")
        if not re.fullmatch("[0-9a-f]{64}", digest):
            raise NotFound("There is no such sample.", "")
        try:
            return sent(views.stored(what, modality, digest))
        except Damaged as error:
            raise NotFound(error.problem, error.remedy) from error

    return [Route("/samples/{modality}/{what}/{digest}", sample)]


def sent(view: RenderedSample) -> Response:
    """`view` as an answer that the browser may keep for a day."""
    headers = {
        "cache-control": f"private, max-age={DAY}, immutable",
        "x-content-type-options": "nosniff",
        **{f"x-{key}": str(value) for key, value in view.facts.items()},
    }
    return Response(view.data, media_type=view.content_type, headers=headers)
