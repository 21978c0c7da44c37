"""The shared look: escaped values, nothing left undefined, nothing loaded from elsewhere."""

import jinja2
import pytest

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
