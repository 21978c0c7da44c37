"""What is live is also put where the pipeline's YAML says, whole, and a place that does not answer
costs no promotion."""

import hashlib
import json
import socket
import threading
import zipfile
from contextlib import ExitStack
from io import BytesIO
from itertools import pairwise

import pytest
from pydantic import SecretStr

from stages.blobs.folder import FolderBlobs
from stages.blobs.s3 import S3Blobs
from stages.config import parse_pipeline
from stages.publish import destination
from stages.publish.delivering import MOST_ROUNDS, Backoff, deliver_all
from stages.publish.destination import delivery_of
from stages.publish.history import moves
from stages.publish.places import live_folder
from stages.publish.publishing import publish, roll_back
from stages.publish.registry import CHAMPION, ModelRegistry
from stages.runtime.errors import ConfigError
from stages.runtime.files import alone
from tests.contracts.test_blobs import free_port, s3_endpoint  # noqa: F401 - a fixture
from tests.publish.conftest import ORDERS, PIPELINE, saved_dataset

YAML = f"name: {PIPELINE}\ntask: image_classification\ndata: {PIPELINE}\npublish: {{to: '%s'}}\n"
PUBLISHED, BACK = "published", "rolled back"


@pytest.fixture
def ids(settings, packed):
    """The ids of three packages, which are compared on too few samples to take long."""
    data = saved_dataset(settings, range(2))
    return [packed(name, data).ref.id for name in ORDERS]


@pytest.fixture
def place(settings, tmp_path):
    """A folder that the pipeline's YAML names, with a file of somebody else."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / f"{PIPELINE}-mine.zip").write_bytes(b"mine")
    send_to(folder, settings)
    return folder


def send_to(place, settings):
    settings.pipelines.mkdir(exist_ok=True)
    (settings.pipelines / f"{PIPELINE}.yaml").write_text(YAML % place)


def move_to(package, settings):
    publish(PIPELINE, package, settings, because="a test")


def found_at(blobs):
    """The package that the JSON names, whose zip is as it says."""
    record = json.loads(blobs.get(f"{PIPELINE}.json"))
    data = blobs.get(record["file"])
    assert (record["size"], record["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert {"package.json", "SHA256SUMS"} <= set(archive.namelist())
    return record["package"], record["version"]


def zips(folder):
    return {path.name.partition("-")[2][:12] for path in folder.glob("*-*.zip")} - {"mine.zip"}


def test_the_live_package_and_the_one_before_are_there_and_no_other(settings, ids, place):
    for package in ids:
        move_to(package, settings)
        assert found_at(FolderBlobs(place))[0] == package
    before = zips(place)
    roll_back(PIPELINE, settings)

    assert before == {ids[1][:12], ids[2][:12]}
    assert found_at(FolderBlobs(place)) == (ids[1], 2)
    assert zips(place) == before
    assert (place / f"{PIPELINE}-mine.zip").read_bytes() == b"mine"
    delivery = delivery_of(PIPELINE, settings)
    assert (delivery.package, delivery.version, delivery.problem) == (ids[1], 2, "")


def test_whoever_reads_there_finds_a_whole_package_at_any_moment(settings, ids, place):
    move_to(ids[0], settings)
    stopping, found, faults = threading.Event(), set(), []

    def read():
        while not stopping.is_set():
            try:
                found.add(found_at(FolderBlobs(place))[0])
            except Exception as error:
                faults.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    move_to(ids[1], settings)
    roll_back(PIPELINE, settings)
    move_to(ids[2], settings)
    stopping.set()
    reader.join()

    assert faults == []
    assert {ids[0], ids[1]} <= found


def test_a_folder_that_is_not_there_is_told_and_has_the_package_later(settings, ids, place):
    away = place.rename(place.with_name("unmounted"))

    move_to(ids[0], settings)
    problem, is_empty = delivery_of(PIPELINE, settings).problem, not place.exists()
    deliver_all(settings)
    away.rename(place)
    deliver_all(settings)

    assert [move.kind for move in moves(PIPELINE, settings)] == [PUBLISHED]
    assert "there is no such folder" in problem
    assert str(place) in problem
    assert is_empty
    assert found_at(FolderBlobs(place)) == (ids[0], 1)
    assert delivery_of(PIPELINE, settings).problem == ""


def test_a_bucket_that_does_not_answer_costs_no_promotion(settings, ids, place, monkeypatch):
    monkeypatch.setattr(destination, "PATIENCE", 0.2)
    move_to(ids[0], settings)
    send_to("s3://models/here", settings)
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        for port in (silent.getsockname()[1], free_port()):
            keys = {"s3_access_key": SecretStr("key"), "s3_secret_key": SecretStr("secret")}
            endpoint = f"http://127.0.0.1:{port}"
            elsewhere = settings.model_copy(update={"s3_endpoint": endpoint, **keys})
            move_to(ids[1], elsewhere)
            problem = delivery_of(PIPELINE, settings).problem
            roll_back(PIPELINE, elsewhere)

            assert "publish.to, s3://models/here:" in problem
            assert f"{port} does not answer as an object store" in problem
            assert "secret" not in problem
    assert [move.kind for move in moves(PIPELINE, settings)] == [PUBLISHED, *[PUBLISHED, BACK] * 2]
    assert ModelRegistry(settings).aliases(PIPELINE)[CHAMPION].package == ids[0]


@pytest.mark.service
def test_a_bucket_has_what_is_live(settings, ids, s3_endpoint):  # noqa: F811
    send_to("s3://models/here", settings)
    keys = {"s3_access_key": SecretStr("key"), "s3_secret_key": SecretStr("secret")}
    there = settings.model_copy(update={"s3_endpoint": s3_endpoint, **keys})

    for package in ids:
        move_to(package, there)
    roll_back(PIPELINE, there)

    blobs = S3Blobs(s3_endpoint, "models", "here", "key", "secret")
    assert delivery_of(PIPELINE, settings).problem == ""
    assert found_at(blobs) == (ids[1], 2)
    assert len(list(blobs.keys(""))) == 3


def test_a_move_in_mlflow_is_followed_and_what_is_live_no_more_is_removed(settings, ids, place):
    move_to(ids[0], settings)
    move_to(ids[1], settings)
    registry = ModelRegistry(settings)

    registry.point(PIPELINE, CHAMPION, 1)
    deliver_all(settings)
    followed = found_at(FolderBlobs(place))
    registry.point(PIPELINE, CHAMPION, 0)
    deliver_all(settings)

    assert followed == (ids[0], 1)
    assert [path.name for path in place.iterdir()] == [f"{PIPELINE}-mine.zip"]
    assert delivery_of(PIPELINE, settings).package == ""


def test_a_yaml_that_cannot_be_read_is_told_and_costs_no_promotion(settings, ids, place):
    (settings.pipelines / f"{PIPELINE}.yaml").write_text("name: [")

    move_to(ids[0], settings)

    assert [move.kind for move in moves(PIPELINE, settings)] == [PUBLISHED]
    assert f"{PIPELINE}.yaml" in delivery_of(PIPELINE, settings).problem


@pytest.mark.parametrize("garbled", [b"[1", b"[" * 200_000, b'{"file": [[]]}', b"\xff"])
def test_what_is_garbled_at_the_place_is_replaced(settings, ids, place, garbled):
    (place / f"{PIPELINE}.json").write_bytes(garbled)
    move_to(ids[0], settings)

    assert found_at(FolderBlobs(place)) == (ids[0], 1)


def test_a_process_that_delivers_for_long_holds_up_no_promotion(settings, ids, place, monkeypatch):
    monkeypatch.setattr(destination, "PATIENCE", 0.2)
    with alone(live_folder(PIPELINE, settings) / "destination.lock"):
        move_to(ids[0], settings)
        problem = delivery_of(PIPELINE, settings).problem
    deliver_all(settings)

    assert "Another process" in problem
    assert str(place) in problem
    assert found_at(FolderBlobs(place)) == (ids[0], 1)
    assert delivery_of(PIPELINE, settings).problem == ""


def test_of_two_that_deliver_at_once_the_last_one_notes_what_is_there(
    settings, ids, place, monkeypatch
):
    monkeypatch.setattr(destination, "PATIENCE", 300)
    for package in ids[:2]:
        move_to(package, settings)
    threads = [threading.Thread(target=roll_back, args=(PIPELINE, settings))]
    registry = ModelRegistry(settings)
    threads += [
        threading.Thread(target=destination.deliver, args=(PIPELINE, registry, settings))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found_at(FolderBlobs(place)) == (ids[0], 1)
    delivery = delivery_of(PIPELINE, settings)
    assert (delivery.package, delivery.problem) == (ids[0], "")


def test_a_link_to_a_folder_is_followed_and_a_file_is_none(settings, ids, place, tmp_path):
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to(place)
    file.write_text("")
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (place / f"{PIPELINE}.json").symlink_to(victim)

    send_to(link, settings)
    move_to(ids[0], settings)
    send_to(file, settings)
    move_to(ids[1], settings)

    assert found_at(FolderBlobs(place)) == (ids[0], 1)
    assert victim.read_text() == "mine"
    assert "that is a file. Name a folder." in delivery_of(PIPELINE, settings).problem
    assert file.read_text() == ""


@pytest.mark.parametrize(
    "place", ["models", "./models", "s3://", "s3://A/b", "http://host/x", "s3://b//c", "~/models"]
)
def test_a_place_that_cannot_be_is_refused_with_its_line(place):
    with pytest.raises(ConfigError, match=r"line 4: publish\.to: .* neither an absolute path"):
        parse_pipeline(YAML % place)


@pytest.mark.parametrize("place", ["/srv/models", "s3://models", "s3://my.models/a/b", ""])
def test_a_folder_a_bucket_and_nothing_are_places(place):
    assert parse_pipeline(YAML % place).publish.to == place


def test_a_failing_place_is_tried_less_and_less_often():
    backoff, goal, tries = Backoff(), ("package", "place"), []
    for number in range(400):
        if backoff.is_due("shapes", goal):
            tries.append(number)
            backoff.note("shapes", goal, failed=True)

    pauses = [after - before for before, after in pairwise(tries)]
    assert pauses[:7] == [1, 2, 4, 8, 16, 32, MOST_ROUNDS]
    assert set(pauses[7:]) == {MOST_ROUNDS}
    assert backoff.is_due("others", goal)
    assert backoff.is_due("shapes", ("another package", "place"))


def test_after_a_success_it_begins_anew():
    backoff, goal = Backoff(), ("package", "place")
    for failed in (True, True, True, False, True):
        backoff.note("shapes", goal, failed)

    assert backoff.is_due("shapes", goal)


def test_the_live_service_waits_before_it_tries_a_failing_place_again(settings, ids, place):
    send_to(place / "missing", settings)
    move_to(ids[0], settings)
    backoff = Backoff()
    deliver_all(settings, backoff=backoff)
    deliver_all(settings, backoff=backoff)
    (place / "missing").mkdir()

    deliver_all(settings, backoff=backoff)
    waiting = delivery_of(PIPELINE, settings)
    deliver_all(settings, backoff=backoff)

    assert waiting.problem
    assert not delivery_of(PIPELINE, settings).problem
