"""What the studio lets a process of its own do: read data, index and revise drafts, keep a
revision, plan a pipeline.

Each function takes plain JSON and returns plain JSON; `child.called` calls it."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stages.faults import as_ours
from stages.runtime.errors import WorkflowError
from stages.settings import Settings
from stages.studio.compare import compared
from stages.studio.draft_work import indexed, planted, revised, suggested
from stages.studio.publish_work import (
    published,
    put_forward,
    revised_by_use,
    rolled_back,
    weeks_of_use,
)
from stages.studio.revision_work import exported, revision_changes


def understood(settings: Settings, path: str, choices: dict[str, Any]) -> dict[str, Any]:
    """What was understood of the data at `path`: the lines that `aiwf data add` prints, under
    'summary'; or where they can be read in several ways, the 'question' with its 'answers'."""
    from stages.etl import source
    from stages.etl.readers import Doubt
    from stages.etl.readers.rows import counted_labels

    try:
        found = source.preview(Path(path), settings, _choices(choices))
    except Doubt as doubt:
        answers = [
            {"option": option, "value": value, "labels": counted_labels(reading.rows)}
            for (option, value), reading in doubt.readings.items()
        ]
        return {"question": doubt.problem.partition("\n")[0], "answers": answers}
    return {"samples": found.samples, "bytes": found.bytes, "summary": list(found.summary)}


def framed(
    settings: Settings, path: str, target: str, rate: float, choices: dict[str, Any]
) -> dict[str, Any]:
    """Make pictures of the videos at `path`, a folder or a zip, in the new folder `target`."""
    from stages.etl import video_frames

    with _prepared(path, target, settings) as (folder, draft):
        found = video_frames.framed(folder, draft, rate, _choices(choices))
    return found._asdict()


def without_labels(settings: Settings, path: str, target: str) -> dict[str, Any]:
    """Make the new folder `target` of the samples at `path`, none of which has a label yet."""
    from stages.etl import labelled_folder

    with _prepared(path, target, settings) as (folder, draft):
        return {"samples": labelled_folder.without_labels(folder, draft)}


@contextmanager
def _prepared(path: str, target: str, settings: Settings) -> Iterator[tuple[Path, Path]]:
    """The folder that has the data at `path`, unpacked if they are a zip, and a new folder, which
    becomes `target` if nothing is raised."""
    from tempfile import TemporaryDirectory

    from stages.etl import archive
    from stages.etl.intake import innermost
    from stages.etl.workspace import disk_errors

    place, source = Path(target), Path(path)
    with (
        disk_errors(settings.root),
        TemporaryDirectory(prefix="prepared-", dir=place.parent) as temporary,
    ):
        if source.is_file():
            unpacked = Path(temporary) / source.name
            unpacked.mkdir()
            archive.unpack(source, unpacked)
            source = unpacked
        draft = Path(temporary) / "draft"
        draft.mkdir()
        yield innermost(source), draft
        draft.rename(place)


def add_revision(
    settings: Settings, name: str, path: str, choices: dict[str, Any], note: str
) -> dict[str, Any]:
    """Keep the data at `path` as a revision of the data set `name`."""
    from stages.etl import source
    from stages.local.announcing import announce_revision

    before = [each.revision for each in source.revisions(name, settings)]
    revision = source.add(name, Path(path), settings, note, _choices(choices))
    notices: list[str] = []
    if revision.revision not in before[-1:]:
        announce_revision(revision, settings, notices.append)
    return {"revision": revision.revision, "samples": revision.samples, "notices": notices}


def planned(settings: Settings, pipeline: str) -> dict[str, Any]:
    """What `aiwf plan` says of the pipeline in the file `pipeline`."""
    from stages.config import read_pipeline
    from stages.runner.planning import plan
    from stages.runner.resolve import resolved_with_next_step
    from stages.runner.room import check_room, room_of, total_of
    from stages.train.cost.compatibility import notices

    config = read_pipeline(Path(pipeline))
    resolved, step = resolved_with_next_step(config, settings)
    plans = plan(resolved, settings)
    takes = [stage.takes for stage in plans if stage.takes]
    room, refused = room_of(settings), None
    try:
        check_room(takes, room, settings.root)
    except WorkflowError as error:
        refused = {"problem": error.problem, "remedy": error.remedy}
    notes = [*notices(resolved.train), *resolved.train.notices(), *resolved.train.device.notices()]
    return {
        "data": f"{resolved.data.name}@{resolved.data.revision[:8]}",
        "trials": resolved.train.trials,
        "families": list(resolved.train.families),
        "stages": [
            {
                "task": stage.task,
                "action": stage.action,
                "why": stage.why,
                "takes": stage.takes._asdict() if stage.takes else None,
            }
            for stage in plans
        ],
        "whole": total_of(takes)._asdict() if takes else None,
        "free": {"memory": room.memory, "disk": room.disk},
        "refused": refused,
        "notices": [str(note) for note in notes],
        "more_minutes": step,
    }


FUNCTIONS = {
    function.__name__: function
    for function in (
        understood,
        framed,
        without_labels,
        add_revision,
        planned,
        indexed,
        revised,
        compared,
        revision_changes,
        exported,
        suggested,
        planted,
        put_forward,
        published,
        rolled_back,
        weeks_of_use,
        revised_by_use,
    )
}


def _choices(record: dict[str, Any]) -> Any:
    from stages.etl.readers.choices import Choices

    return Choices(
        record.get("layout", ""), record.get("splits", ""), tuple(record.get("exclude", ()))
    )


def main(function: str) -> None:
    """Call `function` with the JSON on standard input, and print its answer as a marked line."""
    from stages.studio.child import MARK

    request = json.load(sys.stdin)
    try:
        answer = {"result": FUNCTIONS[function](Settings(), **request)}
    except Exception as error:
        ours = error if isinstance(error, WorkflowError) else as_ours(error)
        if ours is None:
            raise
        kind = next(
            base.__name__ for base in type(ours).__mro__ if base.__module__.endswith(".errors")
        )
        answer = {"error": {"kind": kind, "problem": ours.problem, "remedy": ours.remedy}}
    print(MARK + json.dumps(answer), flush=True)  # noqa: T201
