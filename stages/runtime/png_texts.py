"""Leaves the texts out of a PNG: Pillow refuses pictures with more than 1 MB of them, although
nothing of a text can be seen."""

import struct

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
NEEDED = b"Raw profile type"  # a text in which older programs keep EXIF, with the orientation
HEADER, CHECK = 8, 4  # bytes before a chunk's content, and behind it
MOST_CHUNKS = 20_000  # a picture with more is left to Pillow's own limits


def without_texts(data: bytes) -> bytes:
    """The PNG in `data` without its texts and colour profile; other files as they are."""
    if not data.startswith(SIGNATURE):
        return data
    parts, at, start = [], len(SIGNATURE), 0
    for _ in range(MOST_CHUNKS):
        if at + HEADER > len(data):
            break
        size, name = struct.unpack(">I4s", data[at : at + HEADER])
        end = at + HEADER + size + CHECK
        if name in TEXTS and not data.startswith(NEEDED, at + HEADER):
            parts.append(data[start:at])
            start = end
        at = end
    else:
        return data
    return b"".join([*parts, data[start:]]) if parts else data
