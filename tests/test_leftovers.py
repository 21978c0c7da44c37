"""What killed commands leave behind does not stay for ever."""

import os
import time

from stages.leftovers import DAY, sweep
from stages.runtime.files import beside


def test_old_drafts_go_young_ones_and_all_else_stay(tmp_path):
    old, young = [], []
    for place, names in (("store/blobs", old), ("packages", young)):
        with beside(tmp_path / place / "a") as draft:
            draft.write_text("x")
            names.append(draft.with_name(draft.name.replace("a", "b", 1)))
    old.append(tmp_path / "packages" / ".flowers-device_sdk.0123456789ab.part" / "file")
    remaining = [tmp_path / "store" / "blobs" / "a", tmp_path / ".made.part", tmp_path / "a.part"]
    for path in (*old, *young, *remaining):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    ancient = time.time() - 2 * DAY
    for path in (old[0], old[1], old[1].parent, *remaining):
        os.utime(path, (ancient, ancient))

    assert sweep(tmp_path) == 2

    assert not old[0].exists()
    assert not old[1].parent.exists()
    assert all(path.exists() for path in (*young, *remaining))


def test_it_looks_once_a_day(tmp_path):
    draft = tmp_path / ".a.0123456789ab.part"
    sweep(tmp_path)
    draft.touch()
    os.utime(draft, (0, 0))

    assert sweep(tmp_path) == 0
    os.utime(tmp_path / ".swept", (0, 0))
    assert sweep(tmp_path) == 1


def test_a_workspace_that_is_not_there_is_not_made(tmp_path):
    assert sweep(tmp_path / "none") == 0
    assert not (tmp_path / "none").exists()
