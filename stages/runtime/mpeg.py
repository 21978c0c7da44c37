"""Counts the frames of an MP3, as decoders only guess its length where its table does not tell it.

A file of constant bit rate may do without a table (Xing, called Info by LAME); of one with a
variable bit rate the length is then unknown until its last frame."""

from collections.abc import Iterator
from typing import NamedTuple

TAG_HEADER = 10  # bytes of an ID3v2 header, whose last four hold the tag's size, 7 bits each
HEADER = 4
KILOBITS = {  # by version: bit rates of layer III, in kbit/s (ISO 11172-3 and 13818-3)
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
LAYER_3 = 1  # as headers write it
MONO = 3
BYTES = 2  # a table's flag: it states the number of bytes, too
TABLES = (b"Xing", b"Info")
MOST_STEPS = 1_000_000  # frames, and bytes that only look like one: a day of sound, some seconds
ROOMY = 8  # the bit rate's index of a frame that has room for a table at every sample rate


class Frame(NamedTuple):
    """Where a frame of layer III begins, its bytes, and where its table of frames would stand."""

    at: int
    size: int
    table: int
    kind: tuple[int, int]  # version and sample rate, which are the same in the whole file


def is_mpeg(data: bytes) -> bool:
    """Whether `data` begins like an MP3: with a tag, or with a frame."""
    return data[:3] == b"ID3" or (data[:1] == b"\xff" and data[1:2] >= b"\xe0")


def announced_frames(data: bytes) -> int | None:
    """The number of frames that the table of the MP3 in `data` states; None without a table."""
    first = next(frames(data), None)
    return None if first is None else _stated(data, first)


def with_table(data: bytes) -> bytes:
    """The MP3 in `data` with a table that states all its frames, if it has none, or one that states
    fewer. So a decoder reads it to its end."""
    found = frames(data)
    first = next(found, None)
    if first is None:
        return data
    count = 1 + sum(1 for _ in found)
    stated = _stated(data, first)
    if stated is None:
        return data[: first.at] + _table(data, first, count) + data[first.at :]
    if stated >= count - 1:  # the frame of the table is silent, and not counted
        return data
    place, counts = first.table + 8, (count - 1).to_bytes(4, "big")
    if data[place - 1] & BYTES:
        counts += (len(data) - first.at).to_bytes(4, "big")
    return data[:place] + counts + data[place + len(counts) :]


def frames(data: bytes) -> Iterator[Frame]:
    """The frames of layer III in `data`, in order. What lies between frames is skipped."""
    at, kind = _after_tags(data), None
    for _ in range(MOST_STEPS):
        if not 0 <= at <= len(data) - HEADER:
            return
        frame = _frame(data, at)
        if frame is None or not (_is_followed(data, frame) if kind is None else kind == frame.kind):
            at = data.find(b"\xff", at + 1)
            continue
        at += frame.size
        if at <= len(data):
            kind = frame.kind
            yield frame


def _after_tags(data: bytes) -> int:
    at = 0
    while data[at : at + 3] == b"ID3" and len(data) >= at + TAG_HEADER:
        size = 0
        for byte in data[at + 6 : at + TAG_HEADER]:
            size = size << 7 | byte & 0x7F
        at += TAG_HEADER + size
    return at


def _frame(data: bytes, at: int) -> Frame | None:
    """The frame of layer III at `at`; None if there is none, or one of a free bit rate."""
    second, third, fourth = data[at + 1], data[at + 2], data[at + 3]
    version, layer, bits = second >> 3 & 3, second >> 1 & 3, third >> 4
    if data[at] != 0xFF or second < 0xE0 or layer != LAYER_3 or version not in RATES:
        return None
    if bits in (0, 15) or third >> 2 & 3 == 3:
        return None
    rate = RATES[version][third >> 2 & 3]
    slots = 144_000 if version == 3 else 72_000
    size = slots * KILOBITS[1 if version == 3 else 2][bits] // rate + (third >> 1 & 1)
    side = _side_bytes(version, fourth >> 6 == MONO)
    checked = 0 if second & 1 else 2  # bytes of a checksum
    return Frame(at, size, at + HEADER + checked + side, (version, rate))


def _side_bytes(version: int, mono: bool) -> int:
    """The bytes of side information, behind which a table stands."""
    if version == 3:
        return 17 if mono else 32
    return 9 if mono else 17


def _is_followed(data: bytes, frame: Frame) -> bool:
    """Whether another frame of its kind, or the end, is behind the frame: bytes that look like a
    header are in any tag or picture."""
    after = frame.at + frame.size
    if after > len(data) - HEADER:
        return after == len(data)
    following = _frame(data, after)
    return following is not None and following.kind == frame.kind


def _stated(data: bytes, first: Frame) -> int | None:
    """The number of frames in the table of the frame `first`; None without such a table."""
    name, flags = data[first.table : first.table + 4], data[first.table + 4 : first.table + 8]
    if name not in TABLES or not (len(flags) == 4 and flags[3] & 1):
        return None
    return int.from_bytes(data[first.table + 8 : first.table + 12], "big")


def _table(data: bytes, first: Frame, count: int) -> bytes:
    """A silent frame like `first` with a table that states `count` frames."""
    header = bytearray(data[first.at : first.at + HEADER])
    header[1] |= 1  # without a checksum
    header[2] = ROOMY << 4 | header[2] & 0x0C
    frame = _frame(bytes(header), 0)
    assert frame is not None  # noqa: S101  it differs from `first` in bits that are valid
    table = b"Xing" + (1).to_bytes(4, "big") + count.to_bytes(4, "big")
    silent = bytes(header) + bytes(frame.table - HEADER) + table
    return silent + bytes(frame.size - len(silent))
