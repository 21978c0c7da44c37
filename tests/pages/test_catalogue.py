"""The catalogue of the stages' pages: whole, in the form that is looked up, as in the studio."""

import json
import re

from stages.pages.catalogue import CATALOGUE, LANGUAGES, SOURCE, read_catalogue
from stages.pages.sentences import KINDS, kind_of
from stages.studio.words import catalogue as studio_catalogue

PLACE = re.compile(r"\{(\w+)(?:!\w)?\}")
GRAMMAR = {"noun", "s", "es", "are", "things", "it"}  # what Chinese says otherwise, or not at all
IN_CHINESE = re.compile(r"[\u4e00-\u9fff]")
SAME = {
    "{m}, n = {n}",
    "{n} ({n2} to {n3})",
    "AI Workflow",
    "F1",
    "AP50",
    "AP50:95",
    "ap50",
    "p95",
    "p95 {n} ms",
    "{n} of {n2}",
}

# names of a split in a list to choose from; here they are sets of samples
OTHERWISE = {"train", "validation", "test"}


def test_every_text_is_in_every_other_language():
    for english, texts in read_catalogue(CATALOGUE).items():
        assert set(texts) == set(LANGUAGES) - {SOURCE}, english
        assert IN_CHINESE.search(texts["zh"]) or english in SAME or "!" in texts["zh"], english


def test_no_text_is_there_twice():
    lines = [line for line in CATALOGUE.read_text("utf-8").splitlines() if line.startswith('"')]

    keys = [json.JSONDecoder().raw_decode(line)[0] for line in lines]
    assert len(keys) == len(set(keys)) == len(read_catalogue(CATALOGUE))


def test_values_are_kept_each_once():
    for english, texts in read_catalogue(CATALOGUE).items():
        english_names, chinese_names = PLACE.findall(english), PLACE.findall(texts["zh"])
        assert len(english_names) == len(set(english_names)), english
        assert set(chinese_names) <= set(english_names), english
        assert {kind_of(name) for name in set(english_names) - set(chinese_names)} <= GRAMMAR, (
            english
        )


def test_a_value_of_any_text_ends_where_something_follows():
    for english in read_catalogue(CATALOGUE):
        for name, following in re.findall(r"\{(\w+)\}(?=(\{\w+\})?)", english):
            assert kind_of(name) in KINDS or not following, english


def test_a_text_that_the_studio_has_too_is_the_same_in_chinese():
    own = read_catalogue(CATALOGUE)
    studio: dict[str, set[str]] = {}
    for texts in studio_catalogue().values():
        studio.setdefault(texts["en"], set()).add(texts["zh"])

    common = own.keys() & studio.keys() - OTHERWISE
    differing = {text for text in common if own[text]["zh"] not in studio[text]}

    assert len(common) > 10
    assert differing == set()
