"""No acknowledged change of a label is lost, none is overwritten silently, each can be undone."""

from itertools import pairwise

import pytest

from stages.runtime.errors import Damaged, InfrastructureError
from stages.studio.journal import Change, Conflict, Journal
from tests.studio.journals import FILES, base, killed_writers, labels, relabel


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.jsonl"


def test_a_change_is_there_after_a_restart(path):
    Journal(path, base).append("a", "ann", relabel("0.png", "cat", "dog"))

    journal = Journal(path, base)
    assert labels(journal) == {**dict.fromkeys(FILES, "cat"), "0.png": "dog"}
    assert journal.entry(1).who == "ann"


def test_a_repeated_request_is_no_second_change(path):
    first = Journal(path, base).append("a", "ann", relabel("0.png", "cat", "dog"))

    again = Journal(path, base).append("a", "ann", relabel("0.png", "cat", "dog"))

    assert again == first
    assert Journal(path, base).number == 1


def test_a_change_of_what_is_no_longer_true_is_refused_as_a_whole(path):
    ann, bob = Journal(path, base), Journal(path, base)
    ann.append("a", "ann", relabel("0.png", "cat", "dog"))

    with pytest.raises(Conflict) as caught:
        bob.append("b", "bob", relabel("1.png", "cat", "cow") + relabel("0.png", "cat", "cow"))

    assert caught.value.current["0.png"]["label"] == "dog"
    assert caught.value.authors == {"0.png": "ann"}
    assert (labels(bob)["0.png"], labels(bob)["1.png"]) == ("dog", "cat")


def test_a_file_that_is_not_there_is_refused(path):
    with pytest.raises(Conflict):
        Journal(path, base).append("a", "ann", relabel("../secret", "cat", "dog"))


def test_people_see_each_others_changes(path):
    ann, bob = Journal(path, base), Journal(path, base)
    ann.append("a", "ann", relabel("0.png", "cat", "dog"))

    assert bob.refresh() == 1
    assert labels(bob)["0.png"] == "dog"
    assert [entry.who for entry in bob.entries(0)] == ["ann"]


def test_undo_and_redo_have_no_end_and_survive_a_restart(path):
    states = [labels(Journal(path, base))]
    for number in range(30):
        journal = Journal(path, base)
        file = FILES[number % 3]
        before = journal.current(file)["label"]
        journal.append(f"a{number}", "ann", relabel(file, before, f"label {number}"))
        states.append(labels(journal))

    for number, state in enumerate(reversed(states[:-1])):
        Journal(path, base).undo(f"u{number}", "ann")
        assert labels(Journal(path, base)) == state
    assert Journal(path, base).undo("none", "ann") == (None, [])
    for number, state in enumerate(states[1:]):
        Journal(path, base).redo(f"r{number}", "ann")
        assert labels(Journal(path, base)) == state
    assert Journal(path, base).redo("none", "ann") == (None, [])


def test_each_person_undoes_their_own_changes(path):
    journal = Journal(path, base)
    journal.append("a", "ann", relabel("0.png", "cat", "dog"))
    journal.append("b", "bob", relabel("1.png", "cat", "cow"))

    journal.undo("u", "ann")

    assert (labels(journal)["0.png"], labels(journal)["1.png"]) == ("cat", "cow")
    assert journal.reversible("ann") == (0, 1)
    assert journal.reversible("bob") == (1, 0)


def test_undo_leaves_what_somebody_else_changed_since(path):
    journal = Journal(path, base)
    both = relabel("0.png", "cat", "dog") + relabel("1.png", "cat", "dog")
    journal.append("a", "ann", both)
    journal.append("b", "bob", relabel("0.png", "dog", "cow"))

    _, conflicts = journal.undo("u", "ann")

    assert conflicts == ["0.png"]
    assert (labels(journal)["0.png"], labels(journal)["1.png"]) == ("cow", "cat")
    journal.redo("r", "ann")
    assert (labels(journal)["0.png"], labels(journal)["1.png"]) == ("cow", "dog")


def test_a_new_change_ends_what_can_be_redone(path):
    journal = Journal(path, base)
    journal.append("a", "ann", relabel("0.png", "cat", "dog"))
    journal.undo("u", "ann")
    journal.append("b", "ann", relabel("1.png", "cat", "cow"))

    assert journal.redo("r", "ann") == (None, [])


def test_a_last_line_that_is_torn_anywhere_is_dropped_and_no_earlier_one(path, tmp_path):
    whole = Journal(path, base)
    whole.append("a", "ann", relabel("0.png", "cat", "dog"))
    before = path.stat().st_size
    whole.append("b", "ann", relabel("1.png", "cat", "日本"))
    data = path.read_bytes()

    for end in range(before, len(data)):
        torn = tmp_path / f"torn-{end}.jsonl"
        torn.write_bytes(data[:end])
        journal = Journal(torn, base)
        assert labels(journal) == {**dict.fromkeys(FILES, "cat"), "0.png": "dog"}
        journal.append("c", "ann", relabel("1.png", "cat", "cow"))
        assert labels(Journal(torn, base))["1.png"] == "cow"
        assert Journal(torn, base).number == 2
        assert (end == before) != torn.with_suffix(".torn").exists()


def test_every_changed_byte_of_an_earlier_line_is_noticed(path):
    journal = Journal(path, base)
    journal.append("a", "ann", relabel("0.png", "cat", "dog"))
    first = path.stat().st_size
    journal.append("b", "ann", relabel("1.png", "cat", "cow"))
    data = path.read_bytes()

    for place in range(first):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(Damaged):
            Journal(path, base)


def test_a_line_that_was_removed_is_noticed(path):
    journal = Journal(path, base)
    for number in range(3):
        journal.append(f"a{number}", "ann", relabel(FILES[number], "cat", "dog"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])

    with pytest.raises(Damaged):
        Journal(path, base)


def test_what_the_disk_does_not_take_is_not_acknowledged(path, monkeypatch):
    journal = Journal(path, base)
    journal.append("a", "ann", relabel("0.png", "cat", "dog"))
    before = path.read_bytes()

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InfrastructureError, match="No space left"):
        journal.append("b", "ann", relabel("1.png", "cat", "cow"))
    monkeypatch.undo()

    assert path.read_bytes() == before
    assert labels(journal)["1.png"] == "cat"
    journal.append("b", "ann", relabel("1.png", "cat", "cow"))
    assert labels(Journal(path, base))["1.png"] == "cow"


def test_a_new_base_keeps_what_it_lacks_and_what_can_be_undone(path):
    journal = Journal(path, base)
    change = [Change("0.png", {"excluded": False}, {"excluded": True})]
    journal.append("a", "ann", change)
    journal.rebase("revision 2", {"1.png": {"reviewed": True}})

    again = Journal(path, base)
    assert (again.revision, again.values) == ("revision 2", {"1.png": {"reviewed": True}})
    assert again.reversible("ann") == (1, 0)


def test_two_writers_at_once_lose_nothing(path):
    import threading

    def write(who):
        journal = Journal(path, base)
        for number in range(40):
            while True:
                label = journal.current("0.png")["label"]
                try:
                    journal.append(f"{who}{number}", who, relabel("0.png", label, f"{who}{number}"))
                    break
                except Conflict:
                    continue

    writers = [threading.Thread(target=write, args=(who,)) for who in ("ann", "bob", "cy")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    journal = Journal(path, base)
    assert journal.number == 120
    entries = list(journal.entries())
    for earlier, later in pairwise(entries):
        assert later.changes[0].before == earlier.changes[0].after


def test_20_killed_writers_lose_nothing_that_was_acknowledged(path):
    killed_writers(path, 20)


@pytest.mark.chaos
def test_200_killed_writers_lose_nothing_that_was_acknowledged(path):
    killed_writers(path, 200, seed=1)
