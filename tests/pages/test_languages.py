"""A page lies in every language where links of the others lead."""

import re
from functools import partial
from pathlib import Path

from stages.pages.languages import with_header, with_languages, write_in_languages

PAGE = '<html lang="en"><!-- run --><!-- end of run --><p>Report</p></html>'


def test_a_page_is_written_in_every_language_and_each_leads_to_the_other(tmp_path):
    write_in_languages(tmp_path, "report.html", partial(with_languages, PAGE, "report.html"))

    english, chinese = tmp_path / "report.html", tmp_path / "zh" / "report.html"
    assert "<p>Report</p>" in english.read_text("utf-8")
    assert "<p>报告</p>" in chinese.read_text("utf-8")
    assert linked(english) == chinese
    assert linked(chinese) == english
    assert 'lang="en" hreflang="en" translate="no">English</a>' in chinese.read_text("utf-8")


def test_a_page_without_a_place_for_a_header_stays_as_it_is():
    assert with_header("<p>Report</p>", "<nav>") == "<p>Report</p>"


def linked(page: Path) -> Path:
    """The one page that `page` leads to."""
    (address,) = re.findall('href="([^"]+)"', page.read_text("utf-8"))
    return (page.parent / address).resolve()
