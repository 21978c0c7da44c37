"""Makes a revision of a pipeline's data with the inputs that people accepted.

The test stays what it was: where the data come without a test split, the samples that the live
package was tested on are put into it first, as new samples would otherwise be drawn into it without
being a random part of use."""

from typing import NamedTuple
from uuid import uuid4

from stages.artifacts import Package, Ref
from stages.config import read_pipeline
from stages.etl.manifest import samples_of
from stages.local.announcing import announce_revision
from stages.opening import open_store
from stages.publish.collected import ACCEPTED, CollectedInput, CollectedInputs, split_of
from stages.publish.comparing import dataset_of
from stages.publish.history import champion_of, moves
from stages.runtime.errors import ConfigError, DataError
from stages.settings import Settings
from stages.studio.drafts import Draft, Drafts
from stages.studio.drawn_test import AUTHOR, draw_test
from stages.studio.journal import Change
from stages.studio.revise import AddedSample, revise
from stages.studio.sample_fields import MOST_CHANGES

STARTS = (  # of the files that are taken, with the ending by which readers know them
    (b"\xff\xd8", "jpg"),
    (b"\x89PNG", "png"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tif"),
    (b"MM\0*", "tif"),
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"ID3", "mp3"),
    (b"\xff\xfb", "mp3"),
)


class UseRevision(NamedTuple):
    """The revision, and how many samples are new: of the test split, and others. `notices`: whether
    Airflow was told, where new data may start runs."""

    data: str
    revision: str
    tested: int
    learnt: int
    notices: tuple[str, ...] = ()


def data_of(pipeline: str, settings: Settings) -> str:
    """The data set of `pipeline`. Raises ConfigError if its YAML is not there."""
    return read_pipeline(settings.pipelines / f"{pipeline}.yaml").data.name


def revision_of_use(pipeline: str, settings: Settings) -> UseRevision:
    """Keep the data of `pipeline` with the accepted inputs as a revision.

    Only what is accepted with boxes enters data with boxes, and only what has none the others.
    Raises DataError if nothing is accepted, and what `revise` raises."""
    name, inputs = data_of(pipeline, settings), CollectedInputs(pipeline, settings)
    draft = Drafts(settings).of(name)
    has_boxes = draft.facts.kind == "boxes"
    accepted = [
        each
        for each in inputs.all()
        if each.state == ACCEPTED and (each.boxes is not None) == has_boxes
    ]
    if not accepted:
        raise DataError("No input is accepted that is not in a revision.", "Review some first.")
    _keep_test(pipeline, draft, settings)
    present = {row["digest"] for row in draft.rows()}
    added = [_sample(each, inputs) for each in accepted if each.digest not in present]
    tested = sum(sample.split == "test" for sample in added)
    saved = revise(draft, settings, f"{len(added)} samples of use", added)
    inputs.learnt([each.digest for each in accepted])
    notices: list[str] = []
    announce_revision(saved.revision, settings, notices.append)
    facts = (tested, len(added) - tested, tuple(notices))
    return UseRevision(name, saved.revision.revision, *facts)


def _keep_test(pipeline: str, draft: Draft, settings: Settings) -> None:
    """Put the samples that the live package was tested on into the test split, unless some are
    in it; if nobody knows which these are, draw it."""
    rows = [row for row in draft.rows() if not row["excluded"]]
    if any(row["split"] == "test" for row in rows):
        return
    tests = _tested(pipeline, settings)
    changes = [
        Change(row["file"], {"split": row["split"]}, {"split": "test"})
        for row in rows
        if row["digest"] in tests
    ]
    if not changes:
        draw_test(draft)
    for start in range(0, len(changes), MOST_CHANGES):
        draft.act(str(uuid4()), AUTHOR, changes[start : start + MOST_CHANGES])


def _tested(pipeline: str, settings: Settings) -> set[str]:
    """The digests of the samples that the live package was tested on; none if nobody knows."""
    store, champion = open_store(settings), champion_of(moves(pipeline, settings))
    ref = Ref("package", champion[0] if champion else "")
    if not champion or not store.holds(ref):
        return set()
    package: Package = store.load(ref)
    try:
        dataset = dataset_of(package, store)
    except ConfigError:
        return set()
    return {sample.digest for sample in samples_of(dataset, store, "test")}


def _sample(found: CollectedInput, inputs: CollectedInputs) -> AddedSample:
    path = inputs.path(found.digest)
    with path.open("rb") as file:
        start = file.read(16)
    ending = next((ending for first, ending in STARTS if start.startswith(first)), "")
    if start.startswith(b"RIFF"):
        ending = "webp" if start[8:12] == b"WEBP" else "wav"
    name = f"use/{found.digest[:20]}.{ending or 'png'}"
    return AddedSample(name, path, found.label, split_of(found), found.boxes or ())
