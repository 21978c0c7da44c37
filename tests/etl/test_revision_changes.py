"""What changed between two revisions: each sample is found by its name, or by its content."""

from stages.artifacts import Box
from stages.etl.readers import Row
from stages.etl.revision_changes import SampleInRevision, changes_between


def sample(file, content, label="cat", **fields):
    return SampleInRevision(Row(file, label, **fields), content)


def named(changes):
    return {
        sort: [each.file for each in listed] for sort, listed in changes.by_sort.items() if listed
    }


def test_equal_revisions_have_no_changes():
    same = [sample("a.png", "1"), sample("b.png", "2", "dog")]

    found = changes_between(same, same[::-1])

    assert named(found) == {}
    assert found.labels == {"cat": (1, 1), "dog": (1, 1)}


def test_each_sort_of_change_is_told_from_the_others():
    before = [
        sample("kept.png", "0"),
        sample("gone.png", "1"),
        sample("old name.png", "2"),
        sample("relabelled.png", "3"),
        sample("moved.png", "4", split="train"),
        sample("replaced.png", "5"),
    ]
    after = [
        sample("kept.png", "0"),
        sample("new.png", "6", "dog"),
        sample("new name.png", "2"),
        sample("relabelled.png", "3", "dog"),
        sample("moved.png", "4", split="test"),
        sample("replaced.png", "7"),
    ]

    found = changes_between(before, after)

    assert named(found) == {
        "added": ["new.png"],
        "removed": ["gone.png"],
        "relabelled": ["relabelled.png"],
        "moved": ["moved.png"],
        "replaced": ["replaced.png"],
        "renamed": ["new name.png"],
    }
    assert found.labels == {"cat": (6, 4), "dog": (0, 2)}


def test_another_folder_of_a_label_or_split_is_no_renaming():
    before = [sample("cat/a.png", "1"), sample("cat/b.png", "2", split="train")]
    after = [sample("dog/a.png", "1", "dog"), sample("test/b.png", "2", split="test")]

    found = changes_between(before, after)

    assert named(found) == {"relabelled": ["dog/a.png"], "moved": ["test/b.png"]}


def test_copies_of_one_content_are_no_renaming():
    before = [sample("a.png", "1"), sample("b.png", "1")]
    after = [sample("c.png", "1"), sample("d.png", "1")]

    found = changes_between(before, after)

    assert named(found) == {"added": ["c.png", "d.png"], "removed": ["a.png", "b.png"]}


def test_boxes_in_another_order_are_the_same():
    boxes = (Box("cat", 0.0, 0.0, 5.0, 5.0), Box("dog", 1.0, 1.0, 9.0, 9.0))
    shifted = (boxes[0], Box("dog", 1.0, 1.0, 9.5, 9.0))
    before = [sample(name, name, "", boxes=boxes) for name in ("a.png", "b.png")]
    after = [sample("a.png", "a.png", "", boxes=boxes[::-1])]
    after += [sample("b.png", "b.png", "", boxes=shifted)]

    assert named(changes_between(before, after)) == {"relabelled": ["b.png"]}
