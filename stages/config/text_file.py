"""Decodes the text files that people bring: UTF-8, or UTF-16 where a byte order mark says so."""

import codecs

MARKED = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
          (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip


def coding_of(data: bytes) -> str:
    """The coding that the byte order mark of `data` names; UTF-8 without a mark."""
    return next((coding for mark, coding in MARKED if data.startswith(mark)), "utf-8")


def decoded(data: bytes) -> str:
    """The text in `data`, without its byte order mark.

    Raises UnicodeDecodeError at the first byte that is no text. UTF-16 without a mark is an error,
    too: its zero bytes would be valid, and invisible, characters of UTF-8."""
    coding = coding_of(data)
    text = data.decode(coding)
    if "\0" in text:
        at = data.index(b"\0")
        raise UnicodeDecodeError(coding, data, at, at + 1, "a zero byte")
    return text
