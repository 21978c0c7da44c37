"""What a search has finished is found again, whole and by the same question only."""

import os
import time
from dataclasses import replace

import pytest

from stages import parts
from stages.closure import closure, code_of, packages, reached
from stages.runner.work import STAGE_FACTS
from stages.train.journal import FORGOTTEN, SAVED, SETTLED, Journal, version
from stages.train.search.cached_results import found, keep
from stages.train.search.successive_halving import RungBudget, TrialResult
from tests import makers
from tests.train.conftest import blobs, hyperparameters

LEG = RungBudget(3, 20, hyperparameters())
TAUGHT = TrialResult({"accuracy": 0.1 + 0.2}, 7, True, [{"log_loss": 1 / 3}], b"PK\n\x00arrays\n")


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal")


def test_a_leg_is_found_as_it_was_taught_whatever_its_number(journal):
    keep(LEG, TAUGHT, journal)

    assert found(LEG._replace(number=8), journal) == TAUGHT


@pytest.mark.parametrize(
    "other", [LEG._replace(epochs=60), LEG._replace(hyperparameters=hyperparameters(head="hidden"))]
)
def test_another_leg_is_not_found(journal, other):
    keep(LEG, TAUGHT, journal)

    assert found(other, journal) is None


@pytest.mark.parametrize("cut", [0, 10, 70, -1])
def test_a_file_that_was_cut_is_dropped(journal, cut):
    keep(LEG, TAUGHT, journal)
    (path,) = journal.folder.glob("*.entry")
    path.write_bytes(path.read_bytes()[:cut])

    assert found(LEG, journal) is None
    assert not path.exists()


def test_a_file_in_which_a_bit_fell_is_dropped(journal):
    keep(LEG, TAUGHT, journal)
    (path,) = journal.folder.glob("*.entry")
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)

    assert found(LEG, journal) is None


def test_another_problem_has_another_journal(tmp_path):
    settings, problem = makers.settings(tmp_path), blobs()
    moved = replace(problem, labels=problem.labels[::-1].copy())

    same = Journal.of(settings, blobs(), 10)

    assert Journal.of(settings, problem, 10).folder == same.folder
    assert Journal.of(settings, moved, 10).folder != same.folder
    assert Journal.of(settings, problem, 11).folder != same.folder


def aged(path, seconds: float) -> None:
    long_ago = time.time() - seconds - 60
    os.utime(path, (long_ago, long_ago))


def test_it_is_kept_when_its_model_is_saved_and_cleared_by_a_later_search(tmp_path):
    settings = makers.settings(tmp_path)
    first = Journal.of(settings, "one")
    unsaved = Journal.of(settings, "unsaved")
    keep(LEG, TAUGHT, first)
    keep(LEG, TAUGHT, unsaved)

    first.saved()

    Journal.of(settings, "at once")  # while the stage of the first may yet be killed
    aged(first.folder / SAVED, SETTLED)
    again = Journal.of(settings, "one")  # begun once more, and in use
    Journal.of(settings, "two")
    assert found(LEG, again) == TAUGHT
    again.saved()
    aged(first.folder / SAVED, SETTLED)
    Journal.of(settings, "three")
    assert not first.folder.exists()
    assert found(LEG, unsaved) == TAUGHT


def test_one_that_nobody_went_on_with_is_cleared_at_last(tmp_path):
    settings = makers.settings(tmp_path)
    old, young = Journal.of(settings, "old"), Journal.of(settings, "young")
    keep(LEG, TAUGHT, old)
    keep(LEG, TAUGHT, young)
    aged(old.folder, FORGOTTEN)

    Journal.of(settings, "third")

    assert not old.folder.exists()
    assert found(LEG, young) == TAUGHT


@pytest.mark.parametrize("task", list(parts.TASKS))
def test_all_code_and_libraries_that_make_a_model_decide_a_leg(task):
    counted = closure(["stages.train"], set(), own_tables=True)

    assert reached("train", {}, task).items() <= counted.items()
    assert set(STAGE_FACTS["train"].libraries) <= set(packages(counted))
    assert version() == code_of("stages.train").digest
