"""Official weights of paddle.vision.models: the installed package says where they are."""

import ast
import hashlib
import http.client
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from stages.models.weights import Official
from stages.resources import Resources
from stages.runtime.errors import BackendMissing, Damaged, InfrastructureError
from stages.runtime.files import beside
from stages.user_weights import cached_weights

MOST_BYTES = 256 * 2**20
PIECE = 2**20
PATIENCE = 30  # seconds without an answer
TABLE = "model_urls"


class Address(NamedTuple):
    """The URL of a file of weights, and its md5 as published."""

    url: str
    md5: str


def address_of(weights: Official) -> Address | None:
    """The address of `weights` in the installed Paddle; None if it has none. Its module is parsed,
    not imported, which would take seconds.

    Raises BackendMissing if there is no Paddle."""
    if not weights.module:
        return None
    try:
        tree = ast.parse((models_folder() / f"{weights.module}.py").read_bytes())
    except (OSError, SyntaxError):
        return None
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and target.id == TABLE and value is not None:
            found = ast.literal_eval(value).get(weights.entry)
            return Address(*found) if found else None
    return None


def models_folder() -> Path:
    """The folder of the installed paddle.vision.models."""
    spec = find_spec("paddle")
    if spec is None or spec.origin is None:
        raise BackendMissing("Paddle is not installed.", "Run: pip install paddlepaddle")
    return Path(spec.origin).parent / "vision" / "models"


def fetched_before(weights: Official, resources: Resources) -> Path | None:
    """The cached file of `weights` in the scratch folder, if its digest is the published one; else
    None."""
    address = address_of(weights)
    path = cached_weights(address.md5, weights.file, resources.scratch) if address else None
    return path if address and path and path.is_file() and md5(path) == address.md5 else None


def fetched(weights: Official, resources: Resources) -> Path:
    """The file of `weights`, from its publisher's server, with its digest checked: fetched once,
    then cached in the scratch folder.

    Raises InfrastructureError if it cannot be fetched, Damaged if it is another file."""
    if cached := fetched_before(weights, resources):
        return cached
    address = address_of(weights)
    if address is None:
        raise InfrastructureError(f"No installed package says where {weights.file} is.", HOW)
    path = cached_weights(address.md5, weights.file, resources.scratch)
    with beside(path) as draft:
        _download(address, draft)
        if md5(draft) != address.md5:
            raise Damaged(
                f"{weights.file} from its publisher's server does not have the digest in Paddle.",
                "Do not use it; check whether a proxy changes downloads.",
            )
    return path


HOW = "Put the file into a folder, and set AIWF_WEIGHTS to that folder."


def md5(path: Path) -> str:
    """The md5 of the file at `path`: the digest that the publisher states."""
    with path.open("rb") as data:
        return hashlib.file_digest(data, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _download(address: Address, path: Path) -> None:
    if not address.url.startswith(("https://", "http://")):
        raise InfrastructureError(f"{address.url} is not an http(s) URL.", HOW)
    try:
        answer = urllib.request.urlopen(address.url, timeout=PATIENCE)  # noqa: S310
        with answer, path.open("wb") as out:
            _copy(answer, out)
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        why = getattr(error, "reason", error)
        raise InfrastructureError(f"{address.url} cannot be fetched: {why}.", HOW) from error


def _copy(answer: http.client.HTTPResponse, out: object) -> None:
    wanted, done = answer.headers.get("Content-Length"), 0
    while piece := answer.read(PIECE):
        done += len(piece)
        if done > MOST_BYTES:
            raise Damaged("The server's file is larger than any weights.", "Do not use it.")
        out.write(piece)  # type: ignore[attr-defined]
    if wanted and done != int(wanted):
        raise http.client.IncompleteRead(b"", int(wanted) - done)
