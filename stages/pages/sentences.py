"""Finds what stages wrote in English in the catalogue, and gives it in another language.

A text is looked up as a whole, then as a pattern of the catalogue with placeholders, then sentence
by sentence. What is not found stays English, and is noted.

Placeholders in an English text, by their names without digits at the end, match only what fits:
`n` a number, `p` a share in per cent, `m` a share that may have bounds, `metric` one's name,
`things` what is counted, `s` and `are` the plural; all others match any text up to what follows. In
the other language `{x!t}` is the value of x, itself looked up; `{x!l}` a list, of which each part
is looked up; and `{x!o}` what may be a name, which the catalogue lacks."""

import re
from collections.abc import Mapping
from functools import cache
from string import Formatter
from typing import NamedTuple

from stages.pages.catalogue import CATALOGUE, Texts, read_catalogue

NUMBER = r"[+−-]?\d[\d,.]*(?<![.,])"
PERCENT = rf"{NUMBER} %"
COUNTED = (
    r"photo|clip|sample|boxe|box|group|mistake|trial|label|file|layer|baseline|package|picture|gate"
)
METRIC = (
    r"(?:[Mm]acro |[Mm]icro |[Bb]alanced |[Ll]og |[Aa]verage )?"
    r"(?:[Aa]ccuracy|[Rr]ecall|[Pp]recision|F1|AP50(?::95)?|[Ll]oss)"
)
KINDS = {
    "metric": METRIC,
    "n": NUMBER,
    "p": PERCENT,
    "m": rf"{PERCENT}(?: \({NUMBER} to {PERCENT}(?:, n = {NUMBER})?\))?",
    "percent": rf"{NUMBER}%",
    "noun": "photo|clip|sample",
    "things": rf"(?:{COUNTED})s?",
    "points": rf"{NUMBER} points \({NUMBER} to {NUMBER}\)",
    "times": rf"once|twice|{NUMBER} times",
    "s": "s?",
    "es": "(?:es)?",
    "are": "is|are",
}
TRANSLATED = ("m", "points", "things", "times")  # kinds whose values are always looked up
LETTERS = re.compile(r"[^\W\d_]{2,}")
# what is written alike in every language: units, and what has a digit, an underscore or a slash
NEUTRAL = re.compile(r"(?<!\S)(?:ms|MB|GB|dB|Hz|s|\S*[\d_/=]\S*)(?!\S)")
ENDS = {".": "。", ";": "；", ":": "："}
WIDE = (*ENDS.values(), "！", "？", "，")
SENTENCE_END = re.compile(r"(?<=[.!?:;]) (?=\S)")
NEXT_SENTENCE = re.compile(r"[.!?] [A-Z]")  # which no placeholder runs into
MOST_JOINED = 12  # sentences that are looked up as one text
LONGEST, MOST_SENTENCES = 6000, 60  # of a text: a longer one is nobody's sentence, and takes long
LIST = re.compile(r", | and ")
# between Chinese and other letters is a blank, behind a wide bracket none
UNSPACED = re.compile(r"(?<=[A-Za-z0-9%])(?=[\u4e00-\u9fff])|(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9])")
BLANK = re.compile(r"(?<=[）”]) (?=[\u4e00-\u9fff])")
PLACE = re.compile(r"\{(\w+)(?:!(\w))?\}")


class Pattern(NamedTuple):
    """A text of the catalogue with placeholders. `anchor`: its longest part without any, which a
    text must contain to match."""

    key: str
    anchor: str


class Sentences:
    """Looks texts up for one language. `missing`: those that the catalogue lacks."""

    def __init__(self, language: str) -> None:
        self.texts = Texts(language)
        self.missing: dict[str, None] = {}
        self._found: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """`text` in the language, or `text` itself where the catalogue lacks it or there are no
        letters in it."""
        if not is_text(text):
            return text
        if text not in self._found:
            self._found[text] = self._looked_up(text)
        return self._found[text]

    def _looked_up(self, text: str) -> str:
        sentences, done, place = SENTENCE_END.split(text), [], 0
        if len(text) > LONGEST or len(sentences) > MOST_SENTENCES:
            self.missing[text] = None
            return text
        whole = self._whole(text)
        if whole is not None:
            return whole
        while place < len(sentences):
            end, found = self._longest(sentences, place)
            done.append(found)
            place = end
        # a wide mark brings its own blank
        spaced = (part if part.endswith(WIDE) else f"{part} " for part in done)
        return "".join(spaced).rstrip()

    def _longest(self, sentences: list[str], start: int) -> tuple[int, str]:
        """The most sentences from `start` on that are one text of the catalogue: where they end,
        and their translation. If there is none, the first stays as it is, and is noted."""
        for end in range(min(len(sentences), start + MOST_JOINED), start, -1):
            found = self._whole(" ".join(sentences[start:end]))
            if found is not None:
                return end, found
        if is_text(sentences[start]):
            self.missing[sentences[start]] = None
        return start + 1, sentences[start]

    def _whole(self, text: str) -> str | None:
        """The translation of `text` as one text of the catalogue, which may be there with or
        without the full stop; None without one."""
        if not is_text(text):
            return text
        found = self._matched(text)
        if found is None and text[-1] in ENDS:
            found = self._matched(text[:-1])
            return None if found is None else found + ENDS[text[-1]]
        if found is None:
            found = self._matched(f"{text}.")
            return None if found is None else found.removesuffix(ENDS["."])
        return found

    def _matched(self, text: str) -> str | None:
        """The translation of the text or pattern of the catalogue that `text` is; None without
        one."""
        for form in (text, text[:1].lower() + text[1:], text[:1].upper() + text[1:]):
            if form in self.texts.catalogue:
                return self.texts(form)
            for pattern in _patterns():
                # a value at the end would take the full stop, without which it is looked up, too
                takes_end = form[-1:] in ENDS and pattern.key.endswith("}")
                if pattern.anchor not in form or takes_end:
                    continue
                match = _expression(pattern.key).fullmatch(form)
                if match and not any(map(NEXT_SENTENCE.search, match.groups())):
                    return self._filled(pattern.key, match.groupdict())
        return None

    def _filled(self, key: str, values: Mapping[str, str]) -> str:
        """The text of `key` with `values`, of which some are looked up themselves."""

        def value(place: "re.Match[str]") -> str:
            name, how = place.groups()
            text = values[name]
            if how == "o":
                return self._optional(text)
            if how == "l":
                return "、".join(map(self, LIST.split(text)))
            return self(text) if how == "t" or kind_of(name) in TRANSLATED else text

        text = PLACE.sub(value, self.texts(key))
        return BLANK.sub("", UNSPACED.sub(" ", text))

    def _optional(self, text: str) -> str:
        """`text`, looked up, or as it is where the catalogue lacks it: it may be a name."""
        found = self._whole(text) if is_text(text) else None
        return text if found is None else found


def is_text(text: str) -> bool:
    """Whether there is anything in `text` that another language may say otherwise."""
    return LETTERS.search(text) is not None and LETTERS.search(NEUTRAL.sub("", text)) is not None


def kind_of(name: str) -> str:
    """The kind of the placeholder `name`, without the digits that number it."""
    return name.rstrip("0123456789")


@cache
def _patterns() -> tuple[Pattern, ...]:
    """The texts of the catalogue that have placeholders, the longest fixed part first."""
    found = [
        Pattern(key, max(_fixed(key), key=len)) for key in read_catalogue(CATALOGUE) if "{" in key
    ]
    return tuple(sorted(found, key=lambda pattern: -sum(map(len, _fixed(pattern.key)))))


def _fixed(key: str) -> list[str]:
    return [fixed for fixed, *_ in Formatter().parse(key)]


@cache
def _expression(key: str) -> "re.Pattern[str]":
    """What matches the text `key` of the catalogue. A placeholder for any text ends at the first
    place at which what follows is found, without a second try (an atomic group), so that no text
    takes long."""
    expression, pieces = "", [(fixed, name) for fixed, name, _, _ in Formatter().parse(key)]
    last = max(place for place, (_, name) in enumerate(pieces) if name)
    for place, (fixed, name) in enumerate(pieces):
        is_matched = place > 0 and place <= last and _is_free(pieces[place - 1][1])
        expression += "" if is_matched else re.escape(fixed)
        if not _is_free(name):
            expression += f"(?P<{name}>{KINDS[kind_of(name)]})" if name else ""
        elif place == last:
            expression += f"(?P<{name}>.+)"
        else:
            expression += f"(?>(?P<{name}>.+?){re.escape(pieces[place + 1][0])})"
    return re.compile(expression, re.DOTALL)


def _is_free(name: str | None) -> bool:
    return name is not None and kind_of(name) not in KINDS
