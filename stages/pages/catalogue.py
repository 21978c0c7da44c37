"""Texts in English and Chinese from a catalogue: a YAML with each text's key and languages.

The studio's catalogue has keys of its own. That of the stages' pages is words.yaml of this folder;
its keys are the English texts themselves, as gettext's msgids are."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

LANGUAGES = {"en": "English", "zh": "中文"}
SOURCE = "en"  # the language that stages write
CATALOGUE = Path(__file__).with_name("words.yaml")

Catalogue = Mapping[str, Mapping[str, str]]


@cache
def read_catalogue(path: Path) -> Catalogue:
    """Each key of the YAML at `path` with its text in each language."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it is there
    found: Catalogue = yaml.load(path.read_text(encoding="utf-8"), loader)  # noqa: S506 - both safe
    return found


class Texts:
    """Gives the texts of a catalogue in one language; templates call it `t`."""

    def __init__(self, language: str, catalogue: Path = CATALOGUE) -> None:
        self.language = language
        self.catalogue = read_catalogue(catalogue)

    def __call__(self, key: str, **values: Any) -> str:
        """The text of `key` with `values` filled in. Raises KeyError for an unknown key."""
        text = self.catalogue[key][self.language]
        return text.format_map(values) if values else text

    def of(self, group: str, name: str, **values: Any) -> str:
        """The text for the value `name` of `group`, such as a verdict, with `values` filled in;
        `name` itself without one."""
        text = self.catalogue.get(f"{group}.{name}", {}).get(self.language, name)
        return text.format_map(values) if values else text

    def group(self, name: str) -> dict[str, str]:
        """All texts whose keys begin with `name` and a point, by the rest of the key; for scripts
        of a page."""
        start = f"{name}."
        return {
            key.removeprefix(start): texts[self.language]
            for key, texts in self.catalogue.items()
            if key.startswith(start)
        }
