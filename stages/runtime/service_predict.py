"""POST /predict: one sample as the body, or several in a form; the answer as JSON or drawn."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from .errors import BadSample
from .limits import Places
from .predictor import Predictor
from .problems import WrongQuestion, WrongType
from .service_docs import predict_docs

DRAWN = "image/jpeg"
UNSAID = ("", "application/octet-stream")  # a body that names no type is tried

Files = list[tuple[str, bytes]]


class Asked(NamedTuple):
    """What a request asks of its samples."""

    top: int | None
    threshold: float | None


def add_predict(
    app: Any, predictor: Predictor, places: Places, workers: ThreadPoolExecutor, most_files: int
) -> None:
    """Add /predict to `app`: as many requests inside as `places`, answered by `workers`."""
    from fastapi import Query, Request, Response

    async def off_loop(work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(workers, work)

    @app.post("/predict", **predict_docs(predictor))  # type: ignore[untyped-decorator]
    async def predict(
        request: Request,
        top: int | None = Query(None, ge=0, le=1000),
        threshold: float | None = Query(None, ge=0, le=1),
        draw: bool = False,
    ) -> Any:
        asked = Asked(top, threshold)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            if draw:
                raise WrongQuestion("A form cannot be drawn.", "Send one file as the body.")
            files = await _files(request, most_files)
            with places.taken():
                works = [off_loop(_one(predictor, asked, file)) for file in files]
                return {"predictions": await asyncio.gather(*works)}
        _check_type(kind, predictor)
        drawn = draw or _accepted(request, predictor)
        data = await request.body()
        with places.taken():
            if drawn:
                picture = await off_loop(lambda: _drawn(predictor, asked, data))
                return Response(picture, media_type=DRAWN)
            return await off_loop(lambda: predictor.predict(data, *asked))


def _check_type(kind: str, predictor: Predictor) -> None:
    """Raise WrongType unless a body of `kind` may be what the network takes."""
    types = tuple(predictor.description["types"])
    if kind in UNSAID or kind.startswith(types):
        return
    thing = predictor.description["thing"]
    wanted = " or ".join(f"{one}..." if one.endswith("/") else one for one in types)
    raise WrongType(
        f"The body is '{kind}'.",
        f"Send a {thing} as {wanted}, or several as multipart/form-data.",
    )


def _accepted(request: Any, predictor: Predictor) -> bool:
    """Whether who asks wants the picture alone: a browser takes pictures, too, and much else."""
    accepted = request.headers.get("accept", "").partition(";")[0].strip().lower()
    return predictor.kind.draws and accepted == DRAWN


def _drawn(predictor: Predictor, asked: Asked, data: bytes) -> bytes:
    if not predictor.kind.draws:
        raise WrongQuestion("This package's answers cannot be drawn.", "Ask without draw.")
    return predictor.kind.draw(data, predictor.predict(data, *asked))


async def _files(request: Any, most: int) -> Files:
    """Name and bytes of each file in a form. Raises BadSample if there are none."""
    from starlette.datastructures import UploadFile

    async with request.form(max_files=most, max_fields=most) as form:
        found = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
        if not found:
            raise BadSample("The form holds no file.", "Attach at least one as a file.")
        return [(one.filename or "", await one.read()) for one in found]


def _one(predictor: Predictor, asked: Asked, file: tuple[str, bytes]) -> Callable[[], Any]:
    """One file's answer, or what is wrong with it: the others keep theirs."""

    def work() -> dict[str, Any]:
        name, data = file
        try:
            return {"file": name, **predictor.predict(data, *asked)}
        except BadSample as error:
            return {"file": name, "problem": error.problem, "remedy": error.remedy}

    return work
