"""What every place for bytes promises. The S3 one runs against a real server."""

import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.blobs import Blobs
from stages.blobs.memory import MemoryBlobs
from stages.blobs.s3 import S3Blobs
from stages.cli.failing import errors_reported
from stages.etl import source
from stages.opening import open_store
from stages.parts import BLOBS
from stages.runtime.errors import InfrastructureError
from stages.settings import Settings
from tests import makers

PLACES = ["folder", "memory", pytest.param("s3", marks=pytest.mark.service)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def s3_endpoint(tmp_path_factory) -> Iterator[str]:
    """A SeaweedFS server of our own on loopback, ended with the module."""
    folder = tmp_path_factory.mktemp("s3")
    (folder / "s3.json").write_text(
        '{"identities":[{"name":"t","credentials":[{"accessKey":"key","secretKey":"secret"}],'
        '"actions":["Admin","Read","Write","List","Tagging"]}]}'
    )
    ports = {name: free_port() for name in ("master.port", "volume.port", "filer.port", "s3.port")}
    grpc = {f"{name}.grpc": free_port() for name in ports}
    options = [f"-{name}={port}" for name, port in {**ports, **grpc}.items()]
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        [weed(), "server", f"-dir={folder}", "-ip=127.0.0.1", "-filer", "-s3",
         "-master.telemetry=false", f"-s3.config={folder / 's3.json'}", "-s3.iam=false", *options],
        stdout=log, stderr=log, cwd=folder,
    )  # fmt: skip
    endpoint = f"http://127.0.0.1:{ports['s3.port']}"
    try:
        wait_for_a_write(endpoint)
        yield endpoint
    finally:
        server.kill()  # its own goodbye takes half a minute
        server.wait()
        log.close()


def weed() -> str:
    """SeaweedFS' program, which its package puts beside python."""
    return str(Path(sys.executable).parent / "weed")


def wait_for_a_write(endpoint: str) -> None:
    for _ in range(120):
        try:
            S3Blobs(endpoint, "probe", "", "key", "secret").put("probe", b"x")
        except InfrastructureError:
            time.sleep(0.5)
        else:
            return
    raise TimeoutError("SeaweedFS did not start")


@pytest.fixture(params=PLACES)
def blobs(request, tmp_path) -> Blobs:
    match request.param:
        case "folder":
            return BLOBS["folder"](tmp_path / "store")
        case "memory":
            return BLOBS["memory"]()
    endpoint = request.getfixturevalue("s3_endpoint")
    return BLOBS["s3"](endpoint, "aiwf-test", f"pre/{tmp_path.name}", "key", "secret")


def test_gives_back_what_was_put(blobs: Blobs):
    blobs.put("blobs/ab/abc", b"bytes \x00\xff")

    assert blobs.get("blobs/ab/abc") == b"bytes \x00\xff"
    assert blobs.has("blobs/ab/abc")


def test_an_absent_key_is_a_key_error(blobs: Blobs):
    assert not blobs.has("blobs/no/no")
    with pytest.raises(KeyError):
        blobs.get("blobs/no/no")


def test_the_last_put_counts(blobs: Blobs):
    blobs.put("notes/run.json", b"old")
    blobs.put("notes/run.json", b"new")

    assert blobs.get("notes/run.json") == b"new"


def test_what_was_removed_is_absent(blobs: Blobs):
    blobs.put("teams/a/1", b"x")

    blobs.remove("teams/a/1")
    blobs.remove("teams/a/1")

    assert not blobs.has("teams/a/1")


def test_unpickled_it_is_the_same_place_unless_it_refuses(blobs: Blobs):
    if isinstance(blobs, MemoryBlobs):  # which no other process could read
        with pytest.raises(TypeError, match="another process"):
            pickle.dumps(blobs)
        return
    there = pickle.loads(pickle.dumps(blobs))  # noqa: S301 of our own

    blobs.put("a/1", b"from here")
    there.put("a/2", b"from there")

    assert (there.get("a/1"), blobs.get("a/2")) == (b"from here", b"from there")


def test_lists_keys_below_a_prefix_in_order(blobs: Blobs):
    for key in ("a/2", "a/1", "a/b/3", "c/4", "ab"):
        blobs.put(key, b"x")

    assert list(blobs.keys("a/")) == ["a/1", "a/2", "a/b/3"]
    assert list(blobs.keys("a")) == ["a/1", "a/2", "a/b/3", "ab"]
    assert list(blobs.keys("none/")) == []


def test_tells_of_each_entry_how_large_it_is_and_when_it_was_put(blobs: Blobs):
    began = time.time() - 2  # a server tells whole seconds, by its own clock
    for key in ("a/2", "a/1", "b"):
        blobs.put(key, b"x" * len(key))

    found = list(blobs.entries("a/"))

    assert [entry[:2] for entry in found] == [("a/1", 3), ("a/2", 3)]
    assert all(began <= entry.modified <= time.time() + 2 for entry in found)
    assert [blobs.modified(entry.key) for entry in found] == pytest.approx(
        [entry.modified for entry in found], abs=1
    )
    with pytest.raises(KeyError):
        blobs.modified("none")


def test_what_is_put_again_is_as_young_as_the_last_put(blobs: Blobs):
    blobs.put("a", b"x")
    before = blobs.modified("a")
    time.sleep(1.1)

    blobs.put("a", b"x")

    assert blobs.modified("a") > before


def test_carries_files(blobs: Blobs, tmp_path):
    source = tmp_path / "in with space.bin"
    source.write_bytes(b"z" * 100_000)

    blobs.put_file("files/ü 'x'", source)
    blobs.get_file("files/ü 'x'", tmp_path / "out" / "copy")

    assert (tmp_path / "out" / "copy").read_bytes() == b"z" * 100_000


def test_a_reader_never_sees_half_of_a_write(blobs: Blobs):
    contents = [bytes([value]) * 300_000 for value in range(4)]
    blobs.put("k", contents[0])
    writers = [
        threading.Thread(target=lambda data=data: [blobs.put("k", data) for _ in range(5)])
        for data in contents
    ]

    for writer in writers:
        writer.start()
    values = {blobs.get("k") for _ in range(30)}
    for writer in writers:
        writer.join()

    assert values <= set(contents)


@pytest.mark.service
def test_a_wrong_secret_says_which_setting_to_look_at(s3_endpoint):
    with pytest.raises(InfrastructureError, match="AIWF_S3_SECRET_KEY"):
        S3Blobs(s3_endpoint, "aiwf-test", "", "key", "wrong")


@pytest.mark.service
def test_wrong_keys_of_an_object_store_are_told_wherever_they_are_used(
    s3_endpoint, tmp_path, capsys
):
    keys = {"s3_endpoint": s3_endpoint, "s3_access_key": "key", "s3_secret_key": "wrong"}
    settings = makers.settings(tmp_path)
    pictures = makers.folder_of_pictures(tmp_path / "pictures", each=2)
    remote = Settings(workspace=settings.root, dvc_remote="s3://aiwf-test/raw", **keys)
    stored = Settings(workspace=settings.root, store="s3://aiwf-test/store", **keys)

    for use in (lambda: source.add("shapes", pictures, remote), lambda: open_store(stored)):
        with pytest.raises(SystemExit) as ended, errors_reported():
            use()

        output = capsys.readouterr().err
        assert ended.value.code == 7, output
        assert "fault of ours" not in output
        assert "keys" in output or "AIWF_S3_SECRET_KEY" in output


def test_a_server_that_is_not_there_says_which_setting_to_look_at():
    with pytest.raises(InfrastructureError, match="AIWF_S3_ENDPOINT"):
        S3Blobs(f"http://127.0.0.1:{free_port()}", "bucket", "", "key", "secret")


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(InfrastructureError, match="Cannot write"):
        BLOBS["folder"](tmp_path / "file").put("a/b", b"x")


def test_folders_that_begin_otherwise_are_not_searched(tmp_path, monkeypatch):
    """A destination may lie beside millions of files of others."""
    blobs, searched, rglob = BLOBS["folder"](tmp_path), [], Path.rglob
    for key in ("models-1.zip", "models-2/a/b", "others/a/b", "models"):
        blobs.put(key, b"x")
    monkeypatch.setattr(
        Path, "rglob", lambda path, pattern: searched.append(path.name) or rglob(path, pattern)
    )

    assert list(blobs.keys("models-")) == ["models-1.zip", "models-2/a/b"]
    assert searched == ["models-2"]
    assert list(blobs.keys("models-2/a")) == ["models-2/a/b"]
    assert list(blobs.keys("models-1.zip/")) == list(blobs.keys("none/")) == []
    assert list(blobs.keys("")) == ["models", "models-1.zip", "models-2/a/b", "others/a/b"]
