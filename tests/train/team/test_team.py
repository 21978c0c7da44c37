"""What a group of workers promises: the same curve as one worker, and nothing lost."""

import pytest

from stages.train.team import team
from tests import makers
from tests.train.team import loops


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """The loop by one worker: all its reports, and the bytes of its last checkpoint."""
    return run(tmp_path_factory.mktemp("one"), 1)


def run(folder, workers, loop=loops.teach, shards=2, **more):
    heard = []
    made = team(
        loop,
        loops.shared(shards=shards, **more),
        workers=workers,
        name="tiny",
        settings=makers.settings(folder).model_copy(update={"threads": workers}),
        tell=heard.append,
    )
    return heard, {path.name: path.read_bytes() for path in made.iterdir()}


def test_two_workers_have_the_loss_curve_of_one(taught, tmp_path):
    reports, files = run(tmp_path, 2)

    assert [one["world"] for one in reports] == [2] * loops.STEPS
    assert [one["loss"] for one in reports] == [one["loss"] for one in taught[0]]
    assert files == taught[1]


def test_one_worker_hears_every_step(taught):
    assert [one["step"] for one in taught[0]] == list(range(loops.STEPS))
    assert taught[0][-1]["loss"] < taught[0][0]["loss"]
