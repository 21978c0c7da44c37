"""What stands about a pipeline on its page in Airflow."""

from operators.dag_pages import about, about_broken
from stages.config import parse_pipeline

HOSTILE = "a\n```\n![x](http://evil.example/x.png)\n\x1b[2J"


def test_a_broken_file_cannot_put_pictures_of_others_on_the_page():
    page = about_broken("`![x](http://evil.example)`.yaml", HOSTILE)

    quoted = [row for row in page.splitlines() if "evil.example/x.png" in row]
    assert all(row.startswith("    ") for row in quoted)
    assert len(quoted) == 1
    assert page.splitlines()[0].count("`") == 2
    assert "\x1b" not in page


def test_a_file_s_name_stays_between_its_marks():
    pipeline = parse_pipeline("name: a\ntask: image_classification\ndata: a\n")

    assert "From `'x'.yaml`." in about(pipeline, "`x`.yaml")
