"""No name uses a word that the project has retired, and no two things of the product share a name.

`python -m tests.test_vocabulary` prints what is still there, room by room, and writes the numbers
into `tests/vocabulary.yaml`."""

import ast
import sys

import pytest

from tests import vocabulary

KINDS = ("names", "prose", "classes", "files")
LOWER = "Fewer than before: lower the number with `python -m tests.test_vocabulary`."


@pytest.mark.parametrize("kind", KINDS)
def test_retired_words_only_become_fewer(kind):
    ratchets = vocabulary.exceptions()["ratchets"][kind] or {}
    found = vocabulary.counts()[kind]

    risen = {room: n for room, n in found.items() if n > ratchets.get(room, 0)}
    assert not risen, "\n".join([f"Allowed: {ratchets}", *details(kind, risen)])
    fallen = {room: n for room, n in ratchets.items() if n > found.get(room, 0)}
    assert not fallen, f"{LOWER} {fallen}"


def test_every_exception_has_a_reason_and_is_needed():
    for kind in KINDS:
        for exception in vocabulary.exceptions()[kind] or ():
            assert set(exception) == {"name", "where", "reason"}, exception
            assert len(exception["reason"].split()) > 1, exception
    assert vocabulary.unneeded() == []


SOURCE = """
class HeldFold:
    taught: int

    def tell(self, words, *more):
        self.known = [one for one in words]
        with open(words) as told:
            run.log_metrics({f"leg_{told}": 1}, step=one)
        match words:
            case [first, *others]:
                pass
"""


def test_names_of_every_kind_are_found():
    found = {
        name
        for name in vocabulary.names_in(ast.parse(SOURCE))
        if vocabulary.RETIRED & set(vocabulary.words_of(name))
    }

    names = {"HeldFold", "taught", "tell", "words", "more", "known", "one", "told", "others"}
    assert found == {*names, "leg_"}


def test_a_word_is_found_in_an_identifier_and_not_inside_another_word():
    assert vocabulary.words_of("HeldOutFold") == ["held", "out", "fold"]
    assert vocabulary.words_of("judged_by") == ["judged", "by"]
    assert vocabulary.words_of("learning_rate") == ["learning", "rate"]
    assert vocabulary.ODD.findall("The legs of a crew; an early legend, near it") == [
        "legs",
        "crew",
    ]


def test_keys_of_the_yaml_are_found_at_every_depth():
    inner = {"type": "object", "properties": {"pace": {}}}
    schema = {"properties": {"train": {"$ref": "#/$defs/T"}}, "$defs": {"T": inner}}

    assert list(vocabulary.config_keys(schema)) == ["train", "pace"]


def details(kind: str, rooms: dict[str, int]) -> list[str]:
    """The finds of `kind` in `rooms`, a line for each."""
    if kind == "classes":
        return [f"{name}: {', '.join(paths)}" for name, paths in shared("classes").items()]
    if kind == "files":
        return [
            ", ".join(paths) for key, paths in shared("files").items() if key.split()[0] in rooms
        ]
    finds = vocabulary.uncovered(kind)
    return [f"{path}: {name}" for path, name in finds if vocabulary.room_of(path) in rooms]


def shared(kind: str) -> dict[str, list[str]]:
    return vocabulary.shared_classes() if kind == "classes" else vocabulary.shared_files()


def main() -> None:
    """Print the counts, and each find of the rooms that are named; write the numbers."""
    for kind, rooms in vocabulary.counts().items():
        print(f"{kind}: {sum(rooms.values())}")
        for room, number in rooms.items():
            print(f"  {number:5} {room}")
        wanted = {room: 0 for room in sys.argv[1:]}
        print(*(f"      {line}" for line in details(kind, wanted) if wanted), sep="\n")
    for exception in vocabulary.unneeded():
        print(f"covers nothing: {exception}")
    vocabulary.rewrite()


if __name__ == "__main__":
    main()
