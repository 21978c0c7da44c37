"""Makes text from outside safe to print or to write for another program: labels, file names,
messages of libraries. Characters that act instead of being visible are replaced by escapes."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Control characters except tab and newline (ESC starts terminal commands); line separators that
# only some programs know; characters without width or that reverse the direction of text, which
# make one name look like another; surrogates, which cannot be encoded.
_ACTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_BREAKS = re.compile("[\t\n]")
_RESET = "\x1b[0m"  # harmless alone, and some libraries end their output with it
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def shown(text: str) -> str:
    """`text` with every such character as \\uXXXX, as in JSON, so that JSON keeps its meaning."""
    return _ACTIVE.sub(_escape, text)


def line(text: object) -> str:
    """`text` in a single line: tabs and newlines are escaped as well."""
    return _BREAKS.sub(_escape, shown(str(text)))


def cell(text: object) -> str:
    """`text` for a table that may be opened in a spreadsheet. A text that would be taken for a
    formula gets an apostrophe in front; numbers stay as they are."""
    value = shown(str(text))
    if value.lstrip(" \n").startswith(_FORMULA) and not is_number(value):
        return f"'{value}"
    return value


def is_number(text: str) -> bool:
    """Whether `text` reads as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _escape(found: "re.Match[str]") -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


class Neutral:
    """A text stream that writes to `stream` what `shown` returns. Characters that the stream's
    encoding lacks are escaped as well.

    Rich finds the wrapped stream as `rich_proxied_file`: its bars and colours are escape sequences
    and have to pass unchanged."""

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
    """The wrapped stream, for code that writes escape sequences and escapes texts itself."""
    return stream.rich_proxied_file if isinstance(stream, Neutral) else stream


@contextmanager
def neutral_streams() -> Iterator[None]:
    """Make stdout and stderr `Neutral` streams inside the block."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Neutral(sys.stdout), Neutral(sys.stderr)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
