"""Makes pictures of videos: frames at a stated rate, as a folder with a table of labels.

The frames of one video resemble each other, so they are one group: no split and no fold divides
them. A frame has the label and the split that the folder or the table gives its video."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from stages.etl.labelled_folder import link
from stages.etl.readers import Row, read_folder
from stages.etl.readers.choices import Choices
from stages.etl.readers.walking import walk
from stages.etl.writers.csv_writer import CsvWriter
from stages.runtime.errors import BackendMissing, ConfigError, DataError
from stages.runtime.libraries import at_least

VIDEOS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".3gp")
SLOWEST, FASTEST = 0.01, 30.0  # frames a second that may be asked for
QUALITY = 92  # of the JPEGs
LIBRARY = "opencv-python-headless"
ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")  # that an MP4 or MOV begins with


@dataclass(frozen=True)
class FrameLimits:
    """What the videos of one folder may become. `frames`, `bytes`: together. `pixels`: of a frame.
    `seconds`: of work; they end it with an error, and never decide which frames there are."""

    frames: int = 20_000
    bytes: int = 10 * 10**9
    pixels: int = 40_000_000
    seconds: float = 1800.0


class Framed(NamedTuple):
    """How many videos were read, and how many frames were made of them."""

    videos: int
    frames: int


def is_video(name: str) -> bool:
    """Whether a file is called as a video is."""
    return name.lower().endswith(VIDEOS)


def framed(
    folder: Path,
    target: Path,
    rate: float,
    choices: Choices = Choices(),  # noqa: B008
    limits: FrameLimits = FrameLimits(),
) -> Framed:
    """Make the folder `target` of `folder`: of each video `rate` frames a second (0: none, videos
    are left out), every other sample as it is, and a table with their labels, splits and groups.

    Raises ConfigError for a rate that cannot be, BackendMissing without OpenCV, Doubt if the labels
    can be understood in two ways, DataError for a video that cannot be read, boxes on a video, or
    what exceeds `limits`."""
    if rate != 0 and not SLOWEST <= rate <= FASTEST:
        raise ConfigError(f"{rate:g} frames a second.", f"Give {SLOWEST:g} to {FASTEST:g}, or 0.")
    rows = _rows(folder, choices)
    boxed = [row.file for row in rows if is_video(row.file) and row.boxes]
    if boxed:
        raise DataError(
            f"'{boxed[0]}' is a video with boxes, which do not say in which frame they are.",
            "Export its frames as pictures from the tool that the boxes were drawn with.",
        )
    reader = _FrameReader(target, rate, limits)
    files = list(dict.fromkeys(row.file for row in rows))
    videos = [file for file in files if is_video(file)] if rate else []
    frames = {video: list(reader.frames(folder / video, video)) for video in videos}
    for file in files:
        if not is_video(file):
            link(folder / file, target / file)
    table = [row for row in rows if not is_video(row.file)]
    table += [
        Row(frame, row.label, row.split, row.group or row.file, extra=row.extra)
        for row in rows
        for frame in frames.get(row.file, ())
    ]
    CsvWriter().annotate(table, target)
    return Framed(len(videos), reader.count)


def _rows(folder: Path, choices: Choices) -> Sequence[Row]:
    """The samples of `folder`, videos among them. A folder without any labels has none yet."""
    names = walk(folder).files
    has_labels = any(
        "/" in name or name.lower().endswith((".csv", ".json", ".xml")) for name in names
    )
    if has_labels:
        return read_folder(folder, choices=choices).rows
    return [Row(name) for name in sorted(names)]


class _FrameReader:
    """Writes frames below the folder `target`, within limits on all of them together."""

    def __init__(self, target: Path, rate: float, limits: FrameLimits) -> None:
        self.target, self.rate, self.limits = target, rate, limits
        self.count, self.bytes = 0, 0
        self._end = time.monotonic() + limits.seconds

    def frames(self, video: Path, name: str) -> Iterator[str]:
        """Write the frames of `video`, called `name`; their names, in their order."""
        path = PurePosixPath(name)
        stem = path.parent / f"{path.stem}_{path.suffix[1:].lower()}"
        written = 0
        for picture in self._decoded(video, name):
            file = f"{stem}_{written:06}.jpg"
            self._write(self.target / file, picture, name)
            written += 1
            yield file
        if not written:
            raise _unreadable(name)

    def _decoded(self, video: Path, name: str) -> Iterator[Any]:
        """The first frame at or after each multiple of 1 / rate seconds."""
        cv2 = _opencv()
        with video.open("rb") as file:
            if not _is_container(file.read(16)):
                raise _unreadable(name)
        opened = cv2.VideoCapture(str(video.absolute()), cv2.CAP_FFMPEG)
        try:
            size = [
                opened.get(side) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
            ]
            if not opened.isOpened() or size[0] * size[1] > self.limits.pixels:
                raise _unreadable(name)
            taken = 0
            while opened.grab():
                self._check_time(name)
                if opened.get(cv2.CAP_PROP_POS_MSEC) / 1000 * self.rate >= taken - 1e-6:
                    is_whole, picture = opened.retrieve()
                    if is_whole:
                        taken += 1
                        yield picture
        finally:
            opened.release()

    def _write(self, path: Path, picture: Any, name: str) -> None:
        cv2 = _opencv()
        done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if not done:
            raise _unreadable(name)
        self.count, self.bytes = self.count + 1, self.bytes + len(data)
        if self.count > self.limits.frames or self.bytes > self.limits.bytes:
            raise DataError(
                f"At {self.rate:g} frames a second, the videos give more than "
                f"{self.limits.frames:,} frames or {self.limits.bytes:,} bytes.",
                "Take fewer frames a second, or bring fewer videos at a time.",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.tobytes())

    def _check_time(self, name: str) -> None:
        if time.monotonic() > self._end:
            raise DataError(
                f"Reading the videos takes more than {self.limits.seconds / 60:g} minutes; it was "
                f"at '{name}'.",
                "Bring fewer or shorter videos at a time.",
            )


def _opencv() -> Any:
    """OpenCV. Raises BackendMissing if it is not installed."""
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "protocol_whitelist;file")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    try:
        import cv2
    except ImportError as error:
        raise BackendMissing(
            "Videos are read with OpenCV, which is not installed.",
            f"Install it with: pip install '{at_least(LIBRARY)}'",
        ) from error
    return cv2


def _is_container(head: bytes) -> bool:
    """Whether a file that begins with `head` is a video itself. A playlist, which also may be
    called .mp4, would make the decoder open the files and addresses that it names."""
    return (
        head[4:8] in ATOMS
        or head.startswith(b"\x1a\x45\xdf\xa3")  # Matroska and WebM
        or (head[:4], head[8:12]) == (b"RIFF", b"AVI ")
    )


def _unreadable(name: str) -> DataError:
    return DataError(
        f"'{name}' cannot be read as a video.",
        "Play it to see whether it is whole, save it as MP4, or leave it out.",
    )
