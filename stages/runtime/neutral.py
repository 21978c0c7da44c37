"""Text from elsewhere, before it is printed or written for another program: labels, names of files,
what libraries say. Characters that do something instead of being seen become escapes."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Control characters but for tab and newline (ESC commands the terminal); separators of lines that
# only some programs know; characters without width or that turn the direction of others, which
# let a name look like another; halves of characters, which no file can hold.
_ACTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_BREAKS = re.compile("[\t\n]")
_RESET = "\x1b[0m"  # some libraries end with it, and alone it does no harm
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def shown(text: str) -> str:
    """`text` with every such character as \\uXXXX, the way JSON writes it: JSON stays the same."""
    return _ACTIVE.sub(_escape, text)


def line(text: object) -> str:
    """`text` as a part of one line: tabs and newlines become escapes, too."""
    return _BREAKS.sub(_escape, shown(str(text)))


def cell(text: object) -> str:
    """`text` for a table that people open in a spreadsheet: never a formula. Numbers stay."""
    value = shown(str(text))
    if value.lstrip(" \n").startswith(_FORMULA) and not _is_number(value):
        return f"'{value}"
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _escape(found: "re.Match[str]") -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


class Neutral:
    """A stream for text that passes everything on to `stream` as `shown`; what the stream's own
    encoding cannot say becomes an escape as well.

    `rich_proxied_file` is where Rich writes: it makes bars and colours of escape sequences."""

    def __init__(self, stream: Any) -> None:
        self.rich_proxied_file = stream

    def write(self, text: str) -> int:
        safe = text if text == _RESET else shown(text)
        stream = self.rich_proxied_file
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(safe.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def writelines(self, texts: Any) -> None:
        for text in texts:
            self.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


def unwrapped(stream: Any) -> Any:
    """The stream itself, for whoever draws with escape sequences and writes out text first."""
    return stream.rich_proxied_file if isinstance(stream, Neutral) else stream


@contextmanager
def neutral_streams() -> Iterator[None]:
    """Inside the block all that is printed to stdout and stderr is `shown`."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Neutral(sys.stdout), Neutral(sys.stderr)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
