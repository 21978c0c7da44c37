"""Two revisions are compared on a page, and one is downloaded for other tools."""

import io
import shutil
import zipfile

import pytest

from stages.etl import source
from stages.etl.readers import read_folder
from tests import layouts, makers


@pytest.fixture
def revisions(settings, tmp_path):
    """Three revisions of shapes: the second has a new, a lacking and a relabelled sample."""
    folder = makers.folder_of_pictures(tmp_path / "p", each=3)
    first = source.add("shapes", folder, settings, "first")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    circles = [path for path in files if path.parent.name == "circle"]
    circles[0].unlink()
    shutil.move(circles[1], folder / "square" / "was_circle.png")
    layouts.put(folder / "square" / "new.png", makers.picture(seed=99))
    second = source.add("shapes", folder, settings, "a <b>second</b>")
    layouts.put(folder / "star" / "1.png", makers.picture(seed=100))
    return first, second, source.add("shapes", folder, settings, "third")


def test_what_changed_is_counted_listed_and_seen(browser, revisions):
    first, second = (revision.revision[:8] for revision in revisions[:2])
    address = f"/data/shapes/changes/{first}/{second}"

    page, part = browser.get(address).text, browser.get(f"{address}/part").text

    assert f'data-load="{address}/part"' in page
    assert "a &lt;b&gt;second&lt;/b&gt;" in page
    assert "square/new.png" in part
    assert "circle → square" in part  # the moved file has another name and another label
    assert "<b>1</b><span>added</span>" in part
    assert "<b>1</b><span>removed</span>" in part
    assert "<b>1</b><span>labelled anew</span>" in part
    for sort in ("added", "removed", "relabelled"):
        picture = browser.get(f"{address}/thumbnail/{sort}/0")
        assert picture.headers["content-type"] == "image/jpeg"
    assert browser.get(f"{address}/thumbnail/added/7").status_code == 404


def test_equal_revisions_say_so(browser, revisions):
    first = revisions[0].revision[:8]

    part = browser.get(f"/data/shapes/changes/{first}/{first}/part").text

    assert "Both revisions have the same samples with the same labels." in part


def test_any_two_revisions_can_be_chosen(browser, revisions):
    first, second, third = (revision.revision[:8] for revision in revisions)
    page = browser.get("/data/shapes").text

    chosen = browser.get(
        f"/data/shapes/changes?first={first}&second={third}", follow_redirects=False
    )

    assert f'href="/data/shapes/changes/{second}/{third}"' in page
    assert chosen.headers["location"] == f"/data/shapes/changes/{first}/{third}"
    assert browser.get("/data/shapes/changes/00000000/11111111").status_code == 404
    assert browser.get("/data/nothing/changes/00000000/11111111").status_code == 404


def test_a_revision_is_downloaded_and_read_back(browser, revisions, settings, tmp_path):
    revision = revisions[0].revision[:8]

    answer = browser.get(f"/data/shapes/revisions/{revision}/export?as=class_folders")

    assert answer.headers["content-type"] == "application/zip"
    assert f"shapes-{revision}-class_folders.zip" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path / "got")
    assert len(read_folder(tmp_path / "got").rows) == 9
    assert list((settings.cache / "studio").glob("export-*")) == []


def test_what_cannot_be_exported_is_a_sentence(browser, revisions):
    start = f"/data/shapes/revisions/{revisions[0].revision[:8]}/export"

    wrong = browser.get(f"{start}?as=coco")
    assert wrong.status_code == 422
    assert "coco has no place for labels" in wrong.text
    assert browser.get(f"{start}?as=nothing").status_code == 422
    assert browser.get("/data/shapes/revisions/00000000/export?as=csv").status_code == 404
