"""The log of fine-tuning says what a kill cost."""

from tests.chaos.epoch_log import Note, finished, notes_of, trained_again, under_way

FIRST, SECOND = [{"input": "a"}, "rows", 1], [{"input": "a"}, "rows", 2]
STARTED, SAVED = False, True


def test_an_epoch_is_under_way_until_it_is_saved():
    notes = [Note(1.0, STARTED, FIRST), Note(2.0, SAVED, FIRST), Note(3.0, STARTED, SECOND)]

    assert [under_way(notes[:count]) for count in range(4)] == [False, True, False, True]
    assert finished(notes) == 1


def test_an_epoch_that_was_killed_before_it_was_saved_may_be_trained_again():
    notes = [Note(1.0, STARTED, FIRST), Note(2.0, STARTED, FIRST), Note(3.0, SAVED, FIRST)]

    assert trained_again(notes) == 0


def test_a_saved_epoch_is_counted_when_it_is_trained_again():
    notes = [Note(1.0, STARTED, FIRST), Note(2.0, SAVED, FIRST), Note(3.0, STARTED, SECOND)]

    assert trained_again(notes) == 0
    assert trained_again([*notes, Note(4.0, STARTED, FIRST)]) == 1


def test_without_fine_tuning_nothing_is_noted(tmp_path):
    assert notes_of(tmp_path / "tails.jsonl") == []
