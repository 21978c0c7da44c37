"""Parses XML into a tree with line numbers. A doctype is refused, as it can hide an entity bomb or
a path."""

import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.runtime.errors import DataError

HEAD = 65_536  # bytes in which the root has to begin


@dataclass
class Element:
    """An element: its name, the line where it begins, its attributes, its text and its child
    elements."""

    name: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    content: str = ""
    inside: list["Element"] = field(default_factory=list)

    def children(self, name: str) -> list["Element"]:
        """The child elements called `name`."""
        return [entry for entry in self.inside if entry.name == name]

    def child(self, name: str) -> "Element | None":
        """The first child element called `name`; None if there is none."""
        return next(iter(self.children(name)), None)

    def text(self, name: str) -> str:
        """The text of the first element `name` inside, or ''."""
        found = self.child(name)
        return found.content.strip() if found else ""


def has_root(path: Path, name: str) -> bool:
    """Whether an element called `name` begins near the start of the file at `path`."""
    with path.open("rb") as data:
        head = data.read(HEAD)
    plain = head.replace(b"\0", b"")  # UTF-16 has a zero byte beside each letter
    return re.search(rb"<%b[\s>/]" % name.encode(), plain) is not None


def parsed(data: bytes, name: str) -> Element:
    """The root of the XML in `data`, the content of the file `name`.

    Raises DataError if it is not XML, or has a doctype or entities of its own (defusedxml)."""
    from xml.sax import SAXParseException

    from defusedxml import DefusedXmlException

    try:
        return _tree(data)
    except DefusedXmlException:
        raise DataError(
            f"{name} has a doctype, which can hide an entity bomb; annotations need none.",
            "Remove the lines from <!DOCTYPE on, or the file.",
        ) from None
    except SAXParseException as error:
        raise DataError(
            f"{name}, line {error.getLineNumber()}: this is not XML: {error.getMessage()}.",
            "Export it again.",
        ) from None
    except (ValueError, LookupError) as error:  # multi-byte or unknown encodings
        raise DataError(f"{name}, line 1: {error}.", "Save it as UTF-8.") from None


def _tree(data: bytes) -> Element:
    from xml.sax.handler import ContentHandler

    from defusedxml.sax import make_parser

    class Builder(ContentHandler):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[Element] = [Element("", 0)]
            self.texts: list[list[str]] = [[]]
            self.place: Any = None

        def setDocumentLocator(self, locator: Any) -> None:
            self.place = locator

        def startElement(self, tag: str, attributes: Any) -> None:
            element = Element(tag, self.place.getLineNumber(), dict(attributes))
            self.open[-1].inside.append(element)
            self.open.append(element)
            self.texts.append([])

        def characters(self, content: str) -> None:
            self.texts[-1].append(content)  # joined once, as each line comes by itself

        def endElement(self, tag: str) -> None:
            self.open.pop().content = "".join(self.texts.pop())

    builder, parser = Builder(), make_parser()
    parser.forbid_dtd = True
    parser.setContentHandler(builder)
    parser.parse(io.BytesIO(data))
    return builder.open[0].inside[0]
