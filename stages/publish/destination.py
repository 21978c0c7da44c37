"""Puts a pipeline's live package at the place that its YAML names in `publish.to`: a folder, or a
prefix in a bucket.

There `<pipeline>.json` names the zip that is live. The zip is there, whole, before the JSON names
it, and each of the two is written at once or not at all, so whoever reads the JSON finds a whole
package. The zip that was named before stays until the next move, as somebody may be reading it.

What goes wrong is noted and never raised: the move itself has been made, and the live service
tries again (delivering.py)."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from stages.artifacts import Package, Ref, digest_of
from stages.blobs import Blobs
from stages.config import read_pipeline
from stages.deploy.pack import zipped
from stages.opening import open_bucket, open_store
from stages.parts import BLOBS
from stages.publish.places import live_folder
from stages.publish.registry import CHAMPION, ModelRegistry, ModelVersion
from stages.runtime.errors import ConfigError, InfrastructureError, WorkflowError
from stages.runtime.files import alone, write
from stages.settings import Settings

STATE = "destination.json"
KEY = "publish.to"
PATIENCE = 20.0  # seconds for a bucket to connect, between its bytes, and for another process


class Delivery(NamedTuple):
    """What is at a destination. `place`: as the YAML names it, '' if nothing was ever put anywhere;
    `package`, `version`: '' and 0 if there is none; `when`: ISO 8601, UTC. `problem`: why it is not
    what is live; '' if it is."""

    place: str = ""
    package: str = ""
    version: int = 0
    when: str = ""
    problem: str = ""


def destination_of(pipeline: str, settings: Settings) -> str:
    """The place that the YAML of `pipeline` names, '' for none or without a YAML. Raises
    ConfigError if the YAML cannot be read."""
    path = settings.pipelines / f"{pipeline}.yaml"
    return read_pipeline(path).publish.to if path.is_file() else ""


def delivery_of(pipeline: str, settings: Settings) -> Delivery:
    """What was noted last of the destination of `pipeline`."""
    try:
        path = live_folder(pipeline, settings) / STATE
        return Delivery(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return Delivery()


def deliver(pipeline: str, registry: ModelRegistry, settings: Settings) -> Delivery:
    """Put the champion of `pipeline` at its destination, or remove what is there if it has none;
    what came of it. Of several processes, the last one puts what is live then; a process that
    has waited PATIENCE seconds for another one leaves it to the live service."""
    before = delivery_of(pipeline, settings)
    place = before.place
    try:
        place = destination_of(pipeline, settings)
        if not place:
            return before
        lock = live_folder(pipeline, settings) / "destination.lock"
        with _named_errors(place), alone(lock, PATIENCE):
            champion = registry.aliases(pipeline).get(CHAMPION)
            found = _delivered(pipeline, champion, place, settings)
            _note(pipeline, found, settings)  # before another process delivers, and notes that
    except WorkflowError as error:
        last = before if place == before.place else Delivery(place)
        found = last._replace(problem=f"{error.problem} {error.remedy}".strip())
        _note(pipeline, found, settings)
    return found


def _note(pipeline: str, found: Delivery, settings: Settings) -> None:
    with suppress(WorkflowError):  # of a full disk
        write(live_folder(pipeline, settings) / STATE, json.dumps(found._asdict()))


@contextmanager
def _named_errors(place: str) -> Iterator[None]:
    """Raise whatever a disk or a bucket raises as a WorkflowError that names `place`."""
    try:
        yield
    except WorkflowError as error:
        texts = (f"{KEY}, {place}: {error.problem}", error.remedy)
        raise InfrastructureError(*(text.replace("AIWF_STORE", KEY) for text in texts)) from error
    except (OSError, KeyError) as error:
        raise InfrastructureError(
            f"{KEY}, {place}: {error}.", "Look whether that place can be written."
        ) from error


def _delivered(
    pipeline: str, champion: ModelVersion | None, place: str, settings: Settings
) -> Delivery:
    blobs = _opened(place, settings)
    if champion is None:
        blobs.remove(f"{pipeline}.json")
        _remove_zips(pipeline, blobs, ())
        return Delivery(place)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    before = _named(pipeline, blobs)
    file = _put(pipeline, champion, now, blobs, settings)
    _remove_zips(pipeline, blobs, (file, before))
    return Delivery(place, champion.package, champion.number, now)


def _opened(place: str, settings: Settings) -> Blobs:
    """The folder or bucket at `place`. A folder has to be there: one that is made where a disk is
    not mounted would be found by nobody."""
    if "://" in place:
        return open_bucket(place, settings, KEY, PATIENCE)
    if not Path(place).is_dir():
        if Path(place).exists():
            raise ConfigError("that is a file.", "Name a folder.")
        raise ConfigError("there is no such folder.", "Make it, or mount its disk.")
    return BLOBS["folder"](Path(place))  # type: ignore[no-any-return]


def _put(pipeline: str, champion: ModelVersion, now: str, blobs: Blobs, settings: Settings) -> str:
    """Put the zip of `champion`, then the JSON that names it; the name of the zip."""
    store = open_store(settings)
    package: Package = store.load(Ref("package", champion.package))
    file = f"{pipeline}-{champion.package[:12]}.zip"
    with TemporaryDirectory() as folder:
        path = zipped(package, store, Path(folder) / file)
        record = {
            "pipeline": pipeline,
            "package": champion.package,
            "version": champion.number,
            "target": package.target,
            "file": file,
            "size": path.stat().st_size,
            "sha256": digest_of(path.read_bytes()),
            "when": now,
        }
        blobs.put_file(file, path)
    blobs.put(f"{pipeline}.json", json.dumps(record, indent=1).encode())
    return file


def _named(pipeline: str, blobs: Blobs) -> str:
    """The zip that the JSON names now; '' if there is none, or nothing of ours."""
    try:
        record: Any = json.loads(blobs.get(f"{pipeline}.json"))
        return str(record["file"])
    except (KeyError, ValueError, TypeError, RecursionError):
        return ""


def _remove_zips(pipeline: str, blobs: Blobs, but: tuple[str, ...]) -> None:
    """Remove the zips of `pipeline`, and nothing else, but those that are named."""
    ours = re.compile(rf"{re.escape(pipeline)}-[0-9a-f]{{12}}\.zip")
    for key in list(blobs.keys(f"{pipeline}-")):
        if ours.fullmatch(key) and key not in but:
            blobs.remove(key)
