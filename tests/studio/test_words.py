"""Both languages have every text, and templates have none of their own."""

import re
from html.parser import HTMLParser
from string import Formatter

import pytest

from stages.studio.rendering import TEMPLATES
from stages.studio.words import LANGUAGES, Translator, catalogue

PAGES = sorted(TEMPLATES.glob("*.html"))
CODE = re.compile(r"\{%.*?%\}|\{#.*?#\}|\{\{.*?\}\}", re.DOTALL)
KEY = re.compile(r"""\bt\(\s*["']([^"']+)["']\s*[,)]""")
GROUP = re.compile(r"""\bt\.(?:of|group)\(\s*["']([^"']+)["']""")
SHOWN = ("alt", "aria-label", "placeholder", "title", "value")


class Texts(HTMLParser):
    """Collects what a person would read in a template."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        readable = [value for name, value in attrs if name in SHOWN and value]
        self.found += readable if tag not in ("input", "option", "button") else []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_template_has_no_text_of_its_own(page):
    texts = Texts()
    texts.feed(CODE.sub(" ", page.read_text(encoding="utf-8")))

    assert [text for text in texts.found if re.search(r"[^\W\d_]{2,}", text)] == []


def test_every_key_has_a_text_in_every_language():
    for key, texts in catalogue().items():
        assert set(texts) == set(LANGUAGES), key
        fields = [
            {name for _, name, _, _ in Formatter().parse(text) if name} for text in texts.values()
        ]
        assert all(found == fields[0] for found in fields), key
        assert all(text.strip() for text in texts.values()), key


def test_templates_use_keys_that_there_are():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert [key for key in KEY.findall(text) if key not in catalogue()] == [], page.name
        groups = {key.partition(".")[0] for key in catalogue()}
        assert [group for group in GROUP.findall(text) if group not in groups] == [], page.name


def test_no_key_is_left_over():
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    modules = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES.parent.glob("*.py"))
    groups = {"state", *GROUP.findall(text), *re.findall(r'\.group\("(\w+)"\)', modules)}
    named = set(KEY.findall(text)) | set(re.findall(r'"(nav\.\w+)"', text))

    unused = [key for key in catalogue() if key.partition(".")[0] not in groups]
    assert [key for key in unused if key not in named] == []


def test_a_value_without_a_text_is_shown_as_it_is():
    t = Translator("zh")

    assert t.of("verdict", "ship") == "可以发布"
    assert t.of("page", "another_target") == "another_target"
