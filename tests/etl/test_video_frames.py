"""Videos become frames at a stated rate, those of one video in one group."""

import csv
import sys

import cv2
import numpy as np
import pytest

from stages.etl.readers import read_folder
from stages.etl.split import Member, split
from stages.etl.video_frames import FrameLimits, framed
from stages.runtime.errors import BackendMissing, ConfigError, DataError
from tests import layouts, makers

FPS = 10


def video(path, seconds=3.0, side=64, code="mp4v"):
    """A video that gets brighter with every frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), FPS, (side, side))
    count = round(seconds * FPS)
    for number in range(count):
        writer.write(np.full((side, side, 3), 255 * number // count, np.uint8))
    writer.release()
    return path


def brightness(path):
    return float(cv2.imread(str(path)).mean())


@pytest.fixture
def videos(tmp_path):
    """A folder with two videos and a picture, and an empty one for the frames."""
    folder = tmp_path / "raw"
    video(folder / "cat" / "a.mp4")
    video(folder / "dog" / "a.avi", code="MJPG")
    (folder / "dog" / "b.png").write_bytes(makers.picture())
    target = tmp_path / "frames"
    target.mkdir()
    return folder, target


@pytest.mark.parametrize(("rate", "each"), [(1.0, 3), (2.0, 6), (0.5, 2), (10.0, 30), (30.0, 30)])
def test_frames_come_at_the_rate(videos, rate, each):
    folder, target = videos
    found = framed(folder, target, rate)

    assert found == (2, 2 * each)
    levels = [brightness(path) for path in sorted((target / "cat").iterdir())]
    assert len(levels) == each
    apart = 255 / 3 / rate if rate <= FPS else 255 / 3 / FPS
    assert np.diff(levels) == pytest.approx(apart, abs=5)  # a codec is not exact


def test_frames_have_label_and_group_and_other_samples_stay(videos):
    folder, target = videos
    framed(folder, target, 1.0)

    rows = read_folder(target).rows
    groups = {(row.label, row.group) for row in rows}
    assert groups == {("cat", "cat/a.mp4"), ("dog", "dog/a.avi"), ("dog", "")}
    assert (target / "dog" / "b.png").read_bytes() == makers.picture()


def test_no_split_divides_the_frames_of_a_video(tmp_path):
    folder, target = tmp_path / "raw", tmp_path / "frames"
    target.mkdir()
    for number in range(12):
        video(folder / "ab"[number % 2] / f"{number}.mp4", 0.5)
    framed(folder, target, 10.0)

    rows = read_folder(target).rows
    members = [Member(row.group, row.label, row.split) for row in rows]
    found = split(members, {"train": 0.5, "validation": 0.25, "test": 0.25})
    assert len(rows) == 60
    assert len(set(found)) == 3
    assert len({(row.group, name) for row, name in zip(rows, found, strict=True)}) == 12


def test_a_table_gives_videos_their_labels_splits_and_facts(tmp_path):
    folder, target = tmp_path / "raw", tmp_path / "frames"
    target.mkdir()
    video(folder / "a.mp4")
    video(folder / "b.mp4")
    table = "file,label,split,group,place\na.mp4,cat,train,yard,north\nb.mp4,,test,,south\n"
    (folder / "labels.csv").write_text(table)
    framed(folder, target, 1.0)

    with (target / "labels.csv").open() as file:
        rows = {tuple(row.values())[1:] for row in csv.DictReader(file)}
    assert rows == {("cat", "train", "yard", "north"), ("", "test", "b.mp4", "south")}


def test_videos_without_labels_are_to_be_labelled(tmp_path):
    target = tmp_path / "frames"
    target.mkdir()
    video(tmp_path / "raw" / "a.mp4")

    assert framed(tmp_path / "raw", target, 1.0) == (1, 3)
    assert {row.label for row in read_folder(target).rows} == {""}


def test_at_rate_0_videos_are_left_out(videos):
    folder, target = videos

    assert framed(folder, target, 0) == (0, 0)
    assert [row.file for row in read_folder(target).rows] == ["dog/b.png"]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (FrameLimits(frames=5), "more than 5 frames"),
        (FrameLimits(bytes=500), "500 bytes"),
        (FrameLimits(seconds=-1), "at 'cat/a.mp4'"),
        (FrameLimits(pixels=1000), "cannot be read as a video"),
    ],
)
def test_limits_end_it_with_an_error(videos, limits, message):
    folder, target = videos

    with pytest.raises(DataError, match=message):
        framed(folder, target, 1.0, limits=limits)


@pytest.mark.parametrize("rate", [-1, 0.001, 31, float("nan"), float("inf")])
def test_a_rate_that_cannot_be_is_told(videos, rate):
    with pytest.raises(ConfigError, match="frames a second"):
        framed(*videos, rate)


@pytest.mark.parametrize("content", ["playlist", "nothing", "torn"])
def test_what_is_only_called_a_video_is_never_opened_as_one(tmp_path, content):
    folder = tmp_path / "raw" / "cat"
    secret = video(tmp_path / "secret.mp4")
    whole = secret.read_bytes()
    playlist = f"#EXTM3U\n#EXTINF:3,\n{secret}\n#EXT-X-ENDLIST\n".encode()
    folder.mkdir(parents=True)
    contents = {"playlist": playlist, "nothing": b"", "torn": whole[:200]}
    (folder / "a.mp4").write_bytes(contents[content])
    (tmp_path / "frames").mkdir()

    with pytest.raises(DataError, match=r"'cat/a\.mp4' cannot be read as a video"):
        framed(tmp_path / "raw", tmp_path / "frames", 1.0)


def test_boxes_on_a_video_are_told(tmp_path):
    folder = layouts.coco(tmp_path / "boxed")
    for path in [*folder.rglob("*.json")]:
        path.write_text(path.read_text().replace(".png", ".mp4").replace(".jpg", ".mp4"))
    for path in [*folder.rglob("*.png"), *folder.rglob("*.jpg")]:
        path.rename(path.with_suffix(".mp4"))
    (tmp_path / "frames").mkdir()

    with pytest.raises(DataError, match="a video with boxes"):
        framed(folder, tmp_path / "frames", 1.0)


def test_without_opencv_it_is_said_what_to_install(videos, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)

    with pytest.raises(BackendMissing, match=r"pip install 'opencv-python-headless>="):
        framed(*videos, 1.0)
