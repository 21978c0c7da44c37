"""What nothing reaches goes, and nothing else: not what a lock reaches, not what a run beside it is
at work with."""

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from stages.artifacts import Artifact, Dataset, Package, Ref
from stages.cli.gc import gc
from stages.closure import code_of
from stages.etl.manifest import samples_of
from stages.memo import CachedContent
from stages.metrics import proportion
from stages.opening import open_store
from stages.runner.gc import garbage
from stages.runner.gc.garbage import GRACE
from stages.runtime.errors import Damaged
from stages.runtime.sealed import SEAL
from stages.store import Store, Work
from tests import makers

CODE = code_of("stages.runtime.steps")
DIES = """
import os
from stages.train.distributed.process_folder import process_folder
with process_folder() as folder:
    (folder / "ray").mkdir()
    (folder / "ray" / "log").write_text("x" * 1000)
    print(folder, flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def settings(tmp_path, monkeypatch):
    found = makers.settings(tmp_path)
    found.root.mkdir()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("AIWF_WORKSPACE", str(found.root))
    return found


@pytest.fixture
def store(settings) -> Store:
    return open_store(settings)


def aged(settings, seconds: float = GRACE + 60) -> None:
    """Let everything in the workspace be older by so many seconds."""
    for path in settings.root.rglob("*"):
        at = path.lstat().st_mtime - seconds
        os.utime(path, (at, at))


def work(name: str) -> Work:
    return Work("etl", {"name": name}, {}, "code")


def dataset(store: Store, name: str, each: int = 2, **fields) -> Dataset:
    """A Dataset that the work of that name made."""
    artifact = makers.dataset(store, each=each).model_copy(update={"facts": {name: 1.0}, **fields})
    store.save(artifact)
    store.record(work(name), artifact.ref)
    return artifact


def packed(store: Store, seal: str) -> Package:
    """A package with no file but this seal."""
    package = Package(
        files={SEAL: seal},
        name="colours",
        target="device_sdk",
        backend="numpy",
        format="npz",
        numeric="float32",
        size_bytes=9,
        overall={},
        labels_measured={},
        agreement=proportion(9, 10),
        verdict="ship",
        reasons=(),
    )
    store.save(package)
    return package


def locked(store: Store, run: str, *artifacts: Artifact) -> None:
    store.note(f"runs/{run}", {"artifacts": {str(n): item.ref for n, item in enumerate(artifacts)}})


def whole(ref: Ref, store: Store) -> bool:
    """Whether it is all there, its samples, too."""
    return store.whole(ref) and all(
        store.get(sample.digest) for sample in samples_of(store.load(ref), store)
    )


def collect(store: Store, settings) -> list[str]:
    """Remove all garbage; the kinds of what went."""
    return [found.kind for found in garbage(store, settings) if found.remove()]


def content(settings) -> dict[str, float]:
    return {str(path): path.lstat().st_mtime for path in settings.root.rglob("*")}


def test_what_a_lock_or_an_alias_reaches_stays_and_the_rest_goes(store, settings):
    parent = dataset(store, "parent", each=4)
    reachable = dataset(store, "kept", each=3, parents=(parent.ref,))
    latest, lost = dataset(store, "latest"), dataset(store, "lost", each=6)
    locked(store, "run", reachable)
    store.note("latest/shapes/etl", work("latest").key)
    samples, shared = (
        {sample.digest for sample in samples_of(item, store)} for item in (lost, parent)
    )
    alone = samples - shared
    aged(settings)

    kinds = collect(store, settings)

    assert {"work", "artifacts", "blobs"} <= set(kinds)
    assert all(whole(item.ref, store) for item in (parent, reachable, latest))
    assert store.finished(work("kept")) == reachable.ref
    assert not store.holds(lost.ref)
    assert store.finished(work("lost")) is None
    assert alone
    assert not [item for item in alone if store.blobs.has(f"blobs/{item[:2]}/{item}")]
    assert collect(store, settings) == []


def test_samples_without_a_label_stay_with_their_dataset(store, settings):
    unlabelled, broken = store.add(b"no label yet"), store.add(b"broken")
    lines = [
        f"{name}.png,,{name},{kind},c,r"
        for name, kind in ((unlabelled, "unlabelled"), (broken, "broken"))
    ]
    table = store.add("\n".join(["file,label,digest,kind,check,reason", *lines]).encode())
    plain = makers.dataset(store, each=2)
    artifact = dataset(store, "latest", files={**plain.files, "quarantine.csv": table})
    locked(store, "run", artifact)
    aged(settings)

    collect(store, settings)

    assert store.get(unlabelled) == b"no label yet"
    assert not store.blobs.has(f"blobs/{broken[:2]}/{broken}")


def test_reports_of_devices_stay_as_long_as_their_package(store, settings):
    seals = [store.add(name.encode()) for name in ("kept seal", "lost seal")]
    reachable, lost = (packed(store, seal) for seal in seals)
    locked(store, "run", reachable)
    for seal in seals:
        store.note(f"device_reports/{seal}", [{"device": "board"}])
    young = collect(store, settings)
    aged(settings)

    kinds = collect(store, settings)

    assert "notes" not in young
    assert "notes" in kinds
    assert not store.holds(lost.ref)
    assert store.noted(f"device_reports/{seals[0]}") == [{"device": "board"}]
    assert store.noted(f"device_reports/{seals[1]}") is None


def test_what_is_young_stays_reached_or_not(store, settings):
    store.add(b"of a run that has no record yet")
    artifact = dataset(store, "made")
    store.blobs.remove(f"work/{work('made').key}")  # saved, and not recorded yet
    before = content(settings)

    assert collect(store, settings) == []
    assert content(settings) == before
    assert whole(artifact.ref, store)


def test_work_whose_artifact_is_gone_goes(store, settings):
    artifact = dataset(store, "made")
    locked(store, "run", artifact)
    store.blobs.remove(f"records/dataset/{artifact.ref.id}")
    aged(settings)

    assert "work" in collect(store, settings)
    assert list(store.blobs.keys("work/")) == []


def test_a_dry_run_changes_nothing_and_tells_all(store, settings, capsys):
    dataset(store, "lost")
    store.memo.keep(
        "key", CODE._replace(digest="another"), CachedContent(1, {"a": b"x" * 2_000_000})
    )
    half_written(settings.root / "packages")
    aged(settings)
    before = content(settings)

    gc(delete=False)

    printed = capsys.readouterr().out
    assert content(settings) == before
    for kind in ("artifacts", "blobs", "work", "cache (other code)", "drafts"):
        assert kind in printed
    assert "2.0 MB" in printed
    assert "aiwf gc --delete" in printed

    gc(delete=True)
    gc(delete=False)

    assert "There is nothing to remove." in capsys.readouterr().out


def test_a_lock_that_cannot_be_read_stops_it(store, settings):
    artifact = dataset(store, "made")
    locked(store, "run", artifact)
    store.blobs.put("notes/runs/run.json", b"{")
    aged(settings)

    with pytest.raises(Damaged, match="notes/runs"):
        collect(store, settings)
    assert whole(artifact.ref, store)


def test_blobs_that_a_cached_value_names_stay_as_long_as_it(store, settings):
    digest = store.add(b"a negative")
    store.memo.keep("negatives", CODE, CachedContent(blobs=(digest,)))
    store.memo.scope("search").keep(1, CachedContent("result"))
    aged(settings)

    assert collect(store, settings) == []
    assert store.get(digest) == b"a negative"

    store.memo.remove("negatives", CODE)
    assert collect(store, settings) == ["blobs"]


def test_what_killed_commands_leave_goes(store, settings, tmp_path):
    left = half_written(settings.root / "store" / "blobs" / "ab")
    checkpoints = [settings.cache / "checkpoints" / "0123", settings.root / "teams" / "0123"]
    for folder in checkpoints:
        folder.mkdir(parents=True)
        (folder / "state.npz").write_bytes(b"x")
    copy = store.path(store.add(b"onnx"), ".onnx")
    store.memo.scope("search")
    for key in list(store.blobs.keys("memo/")):
        store.blobs.remove(key)
    scratch = killed(tmp_path)
    aged(settings)
    before = os.stat(scratch / ".owner").st_mtime - 3600
    os.utime(scratch / ".owner", (before, before))

    kinds = collect(store, settings)

    assert {
        "drafts",
        "scratch folders",
        "local copies",
        "empty folders",
        "of earlier versions",
    } <= set(kinds)
    gone = (left, *checkpoints, copy, scratch)
    assert not [path for path in gone if path.exists()]
    assert list((settings.root / "store" / "memo" / "scopes").iterdir()) == []


def half_written(folder: Path) -> Path:
    """A draft whose writer was killed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ".abcd.0123456789ab.part"
    path.write_bytes(b"half")
    return path


def killed(tmp_path: Path) -> Path:
    """The scratch folder of a process that was killed."""
    done = subprocess.run(
        [sys.executable, "-c", DIES],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
    )
    return Path(done.stdout.strip())


def test_local_copies_in_use_stay(store, settings):
    digest = store.add(b"onnx")
    store.note("runs/run", {})
    path = store.path(digest)
    aged(settings)

    assert store.path(digest) == path  # somebody uses it now
    collect(store, settings)

    assert path.read_bytes() == b"onnx"


def test_a_run_that_adds_what_is_there_already_keeps_it(store, settings):
    """Between the look and the removal."""
    digest = store.add(b"a photo")
    aged(settings)
    (found,) = garbage(store, settings)

    assert store.add(b"a photo") == digest

    assert not found.remove()
    assert store.get(digest) == b"a photo"


def test_a_run_that_reuses_an_artifact_keeps_all_of_it(store, settings):
    """At whichever moment before its record is removed."""
    for moment in ("work", "artifacts"):
        artifact = dataset(store, "made")
        aged(settings)
        for found in garbage(store, settings):
            if found.kind == moment:
                again = store.reused(work("made"))
                if again is None:  # its work has gone: it is made again
                    again = dataset(store, "made").ref
            found.remove()

        assert again == artifact.ref
        assert whole(artifact.ref, store)
        assert store.finished(work("made")) == artifact.ref


def test_two_at_once_and_a_run_beside_them_lose_nothing(store, settings):
    reachable = dataset(store, "kept", each=3)
    locked(store, "kept", reachable)
    for number in range(8):
        dataset(store, f"lost {number}", each=4 + number)
    aged(settings)
    failures: list[BaseException] = []

    def watched(function) -> threading.Thread:
        def run() -> None:
            try:
                function()
            except BaseException as error:
                failures.append(error)

        return threading.Thread(target=run)

    def run() -> None:
        for number in range(8):
            artifact = dataset(store, f"lost {number}", each=4 + number)
            locked(store, f"run {number}", artifact)

    threads = [watched(lambda: collect(store, settings)) for _ in range(2)] + [watched(run)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert whole(reachable.ref, store)
    for number in range(8):
        (ref,) = store.noted(f"runs/run {number}")["artifacts"].values()
        assert whole(Ref(*ref), store)
