"""A page in every language: the English one lies in its folder, the others in folders below it that
are named after their language, so that links from page to page are the same in all."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from stages.pages import HOME, render
from stages.pages.catalogue import LANGUAGES, SOURCE
from stages.pages.translation import translated
from stages.runtime.files import write

BEGIN, END = "<!-- run -->", "<!-- end of run -->"  # markers in base.html


class LanguageLink(NamedTuple):
    """A link to the same page in another language."""

    language: str
    name: str
    address: str


def place_of(file: str, language: str) -> str:
    """Where the page `file` lies in `language`, relative to the folder of the English pages."""
    return file if language == SOURCE else f"{language}/{file}"


def language_links(file: str, language: str) -> list[LanguageLink]:
    """Links from the page `file` in `language` to the same page in each other one."""
    up = "" if language == SOURCE else "../"
    return [
        LanguageLink(other, name, up + place_of(file, other))
        for other, name in LANGUAGES.items()
        if other != language
    ]


def with_header(page: str, header: str) -> str:
    """`page` with `header` above its content; `page` itself if it has no place for one."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    return before + begin + header + end + after if end else page


def with_languages(page: str, file: str, language: str) -> str:
    """`page`, which is to be in `language`, with links to the others above its content."""
    links = language_links(file, language)
    return with_header(page, render(HOME / "languages.html", languages=links))


def write_in_languages(folder: Path, file: str, page_for: Callable[[str], str]) -> None:
    """Write the page `file` in every language into `folder` and those below it. `page_for`: gives
    the English page with the links of a language."""
    for language in LANGUAGES:
        write(folder / place_of(file, language), translated(page_for(language), language))
