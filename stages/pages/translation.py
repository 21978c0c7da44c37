"""A page of a stage in another language: its texts are looked up in the catalogue, and everything
else stays as it is.

What HTML marks with translate="no" is never looked up: labels, names of files, digests, code."""

import re
from html import escape, unescape
from typing import NamedTuple

from stages.pages.catalogue import SOURCE
from stages.pages.sentences import Sentences, is_text

TOKENS = re.compile(r"(<!--.*?-->|<style\b.*?</style>|<[^<>]*>)", re.DOTALL)
TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)")
READ = re.compile(r'(?<=[\s"])(title|aria-label|data-label|alt)="([^"]*)"')
MARK = re.compile(r'\stranslate="(yes|no)"')
EMPTY = ("br", "img", "input", "meta", "link", "hr", "wbr", "source")  # elements without an end
TEXT_ONLY = ("title", "svg")  # elements in which, or below which, no span may be


def translated(page: str, language: str) -> str:
    """`page`, which is in English, in `language`: self-contained like `page` itself. What the
    catalogue lacks stays English, and is marked so for screen readers."""
    return page if language == SOURCE else _Page(page, language).text


def missing_texts(page: str, language: str) -> list[str]:
    """The texts of `page` that the catalogue lacks in `language`."""
    return list(_Page(page, language).sentences.missing)


class _Element(NamedTuple):
    """An open element. `neutral`: its texts are none of the catalogue's; `bare`: it takes no span
    around a text."""

    name: str
    neutral: bool
    bare: bool


class _Page:
    """A page that is being translated. `text`: its HTML in the language."""

    def __init__(self, page: str, language: str) -> None:
        self.sentences = Sentences(language)
        self._open = [_Element("", neutral=False, bare=False)]
        start = page.replace(f'<html lang="{SOURCE}">', f'<html lang="{language}">', 1)
        self.text = "".join(
            self._tag(token) if place % 2 else self._text_node(token)
            for place, token in enumerate(TOKENS.split(start))
        )

    def _tag(self, token: str) -> str:
        found = TAG.match(token)
        if found is None or token.startswith("<style"):
            return token
        name = found[2].lower()
        if found[1]:
            self._close(name)
            return token
        mark, outer = MARK.search(token), self._open[-1]
        neutral = mark[1] == "no" if mark else outer.neutral
        if name not in EMPTY and not token.endswith("/>"):
            self._open.append(_Element(name, neutral, outer.bare or name in TEXT_ONLY))
        return token if neutral else READ.sub(self._attribute, token)

    def _close(self, name: str) -> None:
        """Close the innermost open element `name`, and those inside it that have no end tag."""
        places = [place for place, element in enumerate(self._open) if element.name == name]
        if places:
            del self._open[places[-1] :]

    def _attribute(self, found: "re.Match[str]") -> str:
        text = self.sentences(" ".join(unescape(found[2]).split()))
        return f'{found[1]}="{escape(text)}"'

    def _text_node(self, text: str) -> str:
        """The text between two tags, with its blanks around."""
        element = self._open[-1]
        if element.neutral or not is_text(text):
            return text
        inner = " ".join(unescape(text).split())
        before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
        shown = escape(self.sentences(inner), quote=False)
        if inner in self.sentences.missing and not element.bare:
            shown = f'<span lang="{SOURCE}">{shown}</span>'
        return before + shown + after
