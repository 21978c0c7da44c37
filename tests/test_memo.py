"""What the cache promises: what it gives is what was kept, by the same key and code; damage counts
as nothing; what nobody needs goes."""

import os
import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest

from stages.blobs.folder import FolderBlobs
from stages.closure import Code, code_of
from stages.memo import CachedContent, Memo, fingerprint
from stages.memo.expiry import FORGOTTEN, SETTLED, YOUNG, expired, remove, sweep
from stages.train.heads.windows import Windows

CODE = Code(("stages.runtime.steps",), (), "first")
CONTENT = CachedContent({"epochs": [1, 0.1 + 0.2]}, {"a.bin": b"PK\n\x00arrays\n", "b": b"second"})


@pytest.fixture
def memo(tmp_path) -> Memo:
    return Memo(FolderBlobs(tmp_path / "store"))


def paths(memo: Memo):
    """The files of all entries: records, and what they name."""
    found = [path for path in (memo.blobs.root / "memo").rglob("*") if path.is_file()]
    return {path.suffix == ".json": path for path in sorted(found)}, found


def aged(memo: Memo, seconds: float, part: str = "") -> None:
    """Let everything whose key contains `part` be older by so many seconds and a minute."""
    for path in paths(memo)[1]:
        if part in str(path):
            at = path.stat().st_mtime - seconds - 60
            os.utime(path, (at, at))


def test_what_was_kept_is_found_as_it_was(memo):
    memo.keep({"model": "m", "count": 3}, CODE, CONTENT)

    assert memo.find({"count": 3, "model": "m"}, CODE) == CONTENT


@pytest.mark.parametrize(
    ("key", "code"), [("other", CODE), ("key", CODE._replace(digest="second"))], ids=str
)
def test_another_key_or_code_has_another_entry(memo, key, code):
    memo.keep("key", CODE, CONTENT)

    assert memo.find(key, code) is None


def test_it_is_made_once_and_is_the_same_made_or_found(memo):
    calls = []

    for _ in range(3):
        found = memo("key", CODE, lambda: calls.append(1) or CONTENT._replace(facts=(1, {2: "b"})))
        assert found == CONTENT._replace(facts=[1, {"2": "b"}])

    assert calls == [1]


@pytest.mark.parametrize("which", ["record", "file"])
@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:],
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda data: data[:-1],
        lambda data: b"",
    ],
    ids=["a late bit", "the first bit", "cut", "empty"],
)
def test_a_damaged_entry_counts_as_none_is_removed_and_made_anew(memo, which, harm):
    memo.keep("key", CODE, CONTENT)
    path = paths(memo)[0][which == "record"]
    path.write_bytes(harm(path.read_bytes()))

    assert memo.find("key", CODE) is None
    assert not [path for path in paths(memo)[1] if path.suffix == ".json"]
    assert memo("key", CODE, lambda: CONTENT) == CONTENT
    assert memo.find("key", CODE) == CONTENT


def test_an_entry_whose_file_is_gone_counts_as_none(memo):
    memo.keep("key", CODE, CONTENT)
    paths(memo)[0][False].unlink()

    assert memo.find("key", CODE) is None
    assert paths(memo)[1] == []


def test_keeping_replaces_and_removes_the_files_that_are_not_needed_any_more(memo):
    memo.keep("key", CODE, CONTENT)
    data = memo.find("key", CODE).files["a.bin"]

    memo.keep("key", CODE, CachedContent("new", {"a.bin": data, "c": b"third"}))

    assert memo.find("key", CODE) == CachedContent("new", {"a.bin": data, "c": b"third"})
    assert len(paths(memo)[1]) == 3


def test_removed_is_gone(memo):
    memo.keep("key", CODE, CONTENT)

    memo.remove("key", CODE)
    memo.remove("key", CODE)

    assert memo.find("key", CODE) is None
    assert paths(memo)[1] == []


def test_two_makers_at_once_each_get_a_whole_one_and_one_is_kept(memo):
    """Even where they make different bytes, as two measurements do."""
    barrier, found = threading.Barrier(2), []

    def work(number: int) -> None:
        def make() -> CachedContent:
            barrier.wait(10)  # neither has found it
            return CachedContent(number, {"data": bytes([number]) * 100_000})

        found.extend(memo("key", CODE, make) for _ in range(20))

    makers = [threading.Thread(target=work, args=(number,)) for number in (1, 2)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()

    assert len(found) == 40
    assert all(item.files["data"] == bytes([item.facts]) * 100_000 for item in found)


def test_a_reader_never_sees_one_record_with_anothers_files(memo):
    def keep(number: int) -> None:
        for _ in range(30):
            memo.keep("key", CODE, CachedContent(number, {"data": bytes([number]) * 50_000}))

    keepers = [threading.Thread(target=keep, args=(number,)) for number in (1, 2, 3)]
    for keeper in keepers:
        keeper.start()
    contents = [memo.find("key", CODE) for _ in range(100)]
    for keeper in keepers:
        keeper.join()

    assert all(item.files["data"] == bytes([item.facts]) * 50_000 for item in contents if item)


def test_a_scope_has_entries_of_its_own(memo):
    scope = memo.scope("search", CODE)
    scope.keep(1, CONTENT)
    scope.keep([2, "b"], CachedContent("facts"))

    again = memo.scope("search", CODE)

    assert again.find(1) == CONTENT
    assert sorted(map(str, (item.facts for item in again.contents()))) == sorted(
        map(str, (CONTENT.facts, "facts"))
    )
    assert memo.scope("another", CODE).find(1) is None
    assert memo.scope("search", CODE._replace(digest="second")).find(1) is None


def test_files_can_come_from_a_folder_and_go_into_one(memo, tmp_path):
    entry = memo.scope("search").entry("state")
    (tmp_path / "in").write_bytes(b"weights")
    entry.keep(CachedContent(1, {"weights": tmp_path / "in"}))
    entry.update(2)

    found = entry.fetch(tmp_path / "out")

    assert found.facts == 2
    assert found.all_bytes == {"weights": b"weights"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["weights"]


def test_a_scope_that_is_done_goes_an_hour_later_and_not_at_once(memo):
    memo.scope("done").keep(1, CONTENT)
    memo.scope("going on").keep(1, CONTENT)
    memo.scope("done").done()

    assert sweep(memo.blobs) == 0  # while its stage may yet be killed
    aged(memo, SETTLED)

    assert [gone.why for gone in expired(memo.blobs)] == ["done"]
    assert sweep(memo.blobs) == 1
    assert memo.scope("done").find(1) is None
    assert memo.scope("going on").find(1) == CONTENT


def test_a_scope_that_was_opened_again_stays(memo):
    scope = memo.scope("search")
    scope.keep(1, CONTENT)
    scope.done()
    aged(memo, SETTLED)
    (gone,) = expired(memo.blobs)

    again = memo.scope("search")  # between the look and the removal

    assert not remove(memo.blobs, gone)
    assert sweep(memo.blobs) == 0
    assert again.find(1) == CONTENT


def test_what_nobody_used_for_long_goes_at_last(memo):
    memo.keep("old", CODE, CONTENT)
    memo.scope("old").keep(1, CONTENT)
    aged(memo, FORGOTTEN)
    memo.keep("young", CODE, CONTENT)
    memo.scope("old, and gone on with")

    assert sweep(memo.blobs) == 2
    assert memo.find("old", CODE) is None
    assert memo.find("young", CODE) == CONTENT


def test_what_is_used_stays(memo):
    memo.keep("used", CODE, CONTENT)
    aged(memo, FORGOTTEN - YOUNG)

    assert memo.find("used", CODE) == CONTENT
    aged(memo, 2 * YOUNG)

    assert sweep(memo.blobs) == 0
    assert memo.find("used", CODE) == CONTENT


def test_files_without_a_record_go_after_a_day(memo):
    memo.keep("key", CODE, CONTENT)
    paths(memo)[0][True].unlink()

    assert sweep(memo.blobs) == 0  # the record is written last
    aged(memo, YOUNG)
    assert sweep(memo.blobs) == 1
    assert paths(memo)[1] == []


def test_what_other_code_made_goes_after_a_day_if_asked_for(memo):
    now = code_of("stages.runtime.steps")
    for code in (CODE, now):
        memo.keep("key", code, CONTENT)
        memo.scope("key", code).keep(1, CONTENT)

    assert list(expired(memo.blobs, thorough=True)) == []
    aged(memo, YOUNG)

    assert list(expired(memo.blobs)) == []
    gone = list(expired(memo.blobs, thorough=True))
    assert [item.why for item in gone] == ["other code", "other code"]
    assert all(remove(memo.blobs, item) for item in gone)
    assert memo.find("key", now) == CONTENT
    assert memo.scope("key", now).find(1) == CONTENT


def test_two_sweeps_at_once_do_no_harm(memo):
    for number in range(50):
        memo.keep(number, CODE, CONTENT)
    aged(memo, FORGOTTEN)
    memo.keep("young", CODE, CONTENT)

    sweepers = [threading.Thread(target=sweep, args=(memo.blobs,)) for _ in range(3)]
    for sweeper in sweepers:
        sweeper.start()
    for sweeper in sweepers:
        sweeper.join()

    assert memo.find("young", CODE) == CONTENT
    assert len(paths(memo)[1]) == 3


@dataclass(frozen=True)
class Point:
    x: int
    y: tuple[int, ...] = ()


def test_equal_content_has_an_equal_fingerprint_and_other_content_another():
    rows = [np.ones((2, 3), np.float32), np.zeros((1, 3), np.float32)]

    assert fingerprint(Windows.of(rows)) == fingerprint(Windows.of([item.copy() for item in rows]))
    assert fingerprint(Windows.of(rows)) != fingerprint(Windows.of(rows[::-1]))
    assert fingerprint(np.zeros((2, 3))) != fingerprint(np.zeros((3, 2)))
    assert fingerprint(np.zeros(2, np.float32)) != fingerprint(np.zeros(1, np.float64))
    assert fingerprint(Point(1, (2,))) == fingerprint(Point(1, (2,))) != fingerprint(Point(2))
    with pytest.raises(TypeError, match="object"):
        fingerprint({"a": [object()]})


def test_a_record_that_was_just_written_is_young(memo):
    memo.keep("key", CODE, CONTENT)

    assert all(entry.modified <= time.time() + 1 for entry in memo.blobs.entries("memo/"))
