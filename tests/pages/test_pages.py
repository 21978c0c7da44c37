"""The shared look: escaped values, nothing left undefined, nothing loaded from elsewhere."""

import re

import jinja2
import pytest

from stages.evaluate.drawing import COLOURS, GREY
from stages.pages import HOME, inline, render


def page(folder, body):
    template = folder / "page.html"
    template.write_text(
        '{% extends "base.html" %}{% block body %}' + body + "{% endblock %}", "utf-8"
    )
    return template


def test_a_name_cannot_become_markup(tmp_path):
    text = render(page(tmp_path, "<p>{{ name }}</p>"), name='<script>alert("x")</script>')

    assert "<script" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    "place", ["<p>{{ name }}</p>", '<p title="{{ name }}">', "{{ [name] | join }}"]
)
def test_a_name_cannot_turn_or_hide_the_text_around_it(tmp_path, place):
    text = render(page(tmp_path, place), name="photo\u202egpj.exe\u200b")

    assert "photo\\u202egpj.exe\\u200b" in text


def test_a_name_cannot_leave_an_attribute(tmp_path):
    text = render(page(tmp_path, '<p title="{{ name }}">'), name='" onload="alert(1)')

    assert '" onload=' not in text


def test_a_forgotten_value_is_an_error(tmp_path):
    with pytest.raises(jinja2.UndefinedError, match="name"):
        render(page(tmp_path, "{{ name }}"))


def test_the_look_loads_nothing():
    text = (HOME / "base.html").read_text("utf-8")

    for loading in ("http", "url(", "@import", "<link", "<script"):
        assert loading not in text


def test_bytes_travel_inside_the_page():
    assert inline(b"\xff\xd8") == "data:image/jpeg;base64,/9g="


def test_shares_are_written_in_percent(tmp_path):
    assert "88.4 %" in render(page(tmp_path, "{{ share|percent }}"), share=0.8841)


def variables(css: str) -> dict[str, str]:
    return dict(re.findall(r"(--[a-z0-9-]+):([^;} ]+)", css))


def test_each_colour_of_a_light_page_can_be_seen_on_a_dark_one():
    text = (HOME / "base.html").read_text("utf-8")
    light, _, dark = text.partition("(prefers-color-scheme:dark)")
    light, dark = variables(light), variables(dark.partition("\n* {")[0])

    assert {f"var({name})" for name in light} >= {*COLOURS, GREY}
    assert set(dark) <= set(light)
    for name in ("--ink", "--ground", "--card", "--line", "--grid", "--curve-8", "--chosen"):
        assert dark[name] != light[name]


@pytest.mark.parametrize("template", ["drawings.html", "report.html"])
def test_plots_and_tables_have_no_colour_of_their_own(template):
    text = (HOME / template).read_text("utf-8").replace("{#", "")

    assert not re.findall(r"(?:stroke|fill|background)[:=]\"?#[0-9a-f]{3,6}", text)


ZOOM = '{% from "drawings.html" import zoom %}{{ zoom(preview) }}'


def test_a_picture_can_be_enlarged_and_a_sound_keeps_its_player(tmp_path):
    template = page(tmp_path, ZOOM)

    picture, sound = (
        render(template, preview=preview)
        for preview in ('<img src="data:" alt="">', '<img src="data:" alt=""><audio controls>')
    )

    assert '<label class="zoom"><input type="checkbox" aria-label="Enlarge"><span><img' in picture
    assert '<label class="zoom">' not in sound
    assert "<audio controls>" in sound


def test_every_page_has_a_place_for_its_run(tmp_path):
    assert render(page(tmp_path, "")).count("<!-- run --><!-- end of run -->") == 1
