"""Corrects the header of a WAV that was written before its length was known, or wrongly.

Programs that write to a pipe cannot go back to the header: they leave zeros there, or a number as
large as possible. A size that is only somewhat too large is that of a truncated file."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

PLACEHOLDER = 0x7F000000  # sizes from here on are written by programs that cannot know them yet
EXTENSIBLE, PCM = 0xFFFE, 1  # formats of samples
EXTENSIBLE_BYTES = 40  # of a header in which the extensible format is complete
HEADER = 8  # bytes of a chunk's name and size


class Chunk(NamedTuple):
    """A chunk's name, where its content begins, and the size that it states."""

    name: bytes
    at: int
    size: int


def is_wav(data: bytes) -> bool:
    """Whether `data` begins like a WAV."""
    return data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE"


def missing_bytes(data: bytes) -> tuple[int, int]:
    """How many bytes of sound the WAV in `data` has, and how many it states: equal unless it is
    truncated, or has no sound."""
    for chunk in chunks(data):
        if chunk.name == b"data":
            there = len(data) - chunk.at
            return (there, there) if _is_guessed(data, chunk) else (
                min(there, chunk.size), chunk.size
            )  # fmt: skip
    return 0, 0


def corrected(data: bytes) -> bytes:
    """The WAV in `data` with the size that its sound has, where the header states none or counts
    itself, and as PCM where it promises an extended header that is not there."""
    if data[:4] == b"RF64":  # states its sizes elsewhere, and libsndfile reads them
        return data
    header = bytearray()
    for chunk in chunks(data):
        if chunk.name == b"fmt " and chunk.size < EXTENSIBLE_BYTES:
            if data[chunk.at : chunk.at + 2] == struct.pack("<H", EXTENSIBLE):
                header = header or bytearray(data[: chunk.at + chunk.size])
                header[chunk.at : chunk.at + 2] = struct.pack("<H", PCM)
        elif chunk.name == b"data" and _is_guessed(data, chunk):
            header += data[len(header) : chunk.at]
            header[chunk.at - 4 : chunk.at] = struct.pack("<I", len(data) - chunk.at)
            header[4:8] = struct.pack("<I", len(data) - HEADER)
    return bytes(header) + data[len(header) :] if header else data


def chunks(data: bytes) -> Iterator[Chunk]:
    """The chunks of the WAV in `data` up to that of the sound."""
    at = 12
    while at + HEADER <= len(data):
        name, size = struct.unpack("<4sI", data[at : at + HEADER])
        yield Chunk(name, at + HEADER, size)
        if name == b"data":
            return
        at += HEADER + size + size % 2


def _is_guessed(data: bytes, chunk: Chunk) -> bool:
    """Whether the size of the chunk of sound is not that of the sound: nothing or far too much, or
    that of the file."""
    there = len(data) - chunk.at
    if chunk.size == 0:
        return there > 0 and not _is_chunk(data, chunk.at)
    return chunk.size > there and (
        chunk.size >= PLACEHOLDER or chunk.size in (len(data), len(data) - HEADER)
    )


def _is_chunk(data: bytes, at: int) -> bool:
    """Whether another chunk begins at `at`, and not sound."""
    name, size = data[at : at + 4], data[at + 4 : at + HEADER]
    fits = at + HEADER + int.from_bytes(size, "little") <= len(data) + 1
    return len(size) == 4 and name.isascii() and name.decode().isprintable() and fits
