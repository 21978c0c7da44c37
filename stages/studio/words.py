"""The texts of the studio's pages in English and Chinese, from the catalogue words.yaml.

What stages write, such as a summary of data or an error, is shown as it is."""

from pathlib import Path
from typing import Any

from stages.pages import catalogue as shared
from stages.pages.catalogue import Catalogue, Texts, read_catalogue

LANGUAGES = shared.LANGUAGES
COOKIE = "aiwf_language"
CATALOGUE = Path(__file__).with_name("words.yaml")


def catalogue() -> Catalogue:
    """Each key with its text in each language."""
    return read_catalogue(CATALOGUE)


def language_of(request: Any) -> str:
    """The language that the person chose; else the first of the browser's that there is."""
    chosen = request.cookies.get(COOKIE, "")
    accepted = [
        part.partition(";")[0].strip().lower()[:2]
        for part in request.headers.get("accept-language", "").split(",")
    ]
    return next((name for name in (chosen, *accepted) if name in LANGUAGES), "en")


class Translator(Texts):
    """Gives the studio's texts in one language; templates call it `t`."""

    def __init__(self, language: str) -> None:
        super().__init__(language, CATALOGUE)
