"""Two runs or more side by side, with the pictures on which they differ."""

import pytest

from stages.evaluate.predictions import Predicted
from stages.opening import open_store
from tests import makers
from tests.studio.conftest import saved_package, saved_run

TASK = "image_classification"
RIGHT, WRONG = [0.9, 0.1], [0.2, 0.8]


@pytest.fixture
def run(settings, package_files):
    """Saves a run whose model gives `answers` to pictures from number `first` on; all are 'a'."""
    package = saved_package("shapes", package_files["colours"], settings)
    store = open_store(settings)

    def save(name, answers, first=0, task=TASK, labels=("a", "<b>")):
        pictures = [makers.picture(seed=first + row) for row in range(len(answers))]
        digests = [store.add(picture) for picture in pictures]
        names = tuple(f"<i>{first + row}.png" for row in range(len(answers)))
        truth = [0] * len(answers)
        predicted = Predicted(labels, names, tuple(digests), truth, answers)
        files = {"predictions.json": store.add(predicted.record())}
        return saved_run(name, settings, package, task, files)

    return save


def test_models_on_the_same_test_are_compared_with_an_interval(browser, run):
    run("first", [RIGHT] * 30 + [WRONG] * 10)
    run("second", [WRONG] + [RIGHT] * 39)

    page = browser.get("/compare?run=first&run=second").text

    assert "Both were measured on the same test samples: 40." in page
    assert "B is better than A." in page
    assert "Accuracy: +22.5 points (+7" in page
    assert page.count('class="picture"') == 11
    assert "&lt;i&gt;30.png" in page
    assert "<i>" not in page
    assert page.count("accuracy 90 % (80 to 95 %, n = 60)") == 4  # of two models and packages


def test_the_pictures_can_be_seen(browser, run):
    run("first", [RIGHT] * 31)
    run("second", [WRONG] + [RIGHT] * 30)
    page = browser.get("/compare?run=first&run=second").text

    (place,) = [part.partition('"')[0] for part in page.split('src="/samples/')[1:]]
    address = f"/samples/{place}"
    picture = browser.get(address)

    assert picture.headers["content-type"] == "image/jpeg"
    assert browser.get(address.replace("thumbnail", "view")).status_code == 200
    for wrong in ("pictures/thumbnail/" + "0" * 64, "pictures/thumbnail/x", "pictures/secret/x"):
        assert browser.get(f"/samples/{wrong}").status_code == 404


def test_other_tests_are_told_in_words_and_only_common_samples_are_compared(browser, run):
    run("first", [RIGHT] * 40)
    run("second", [WRONG] * 45, first=5)
    run("third", [RIGHT] * 20, first=30)

    page = browser.get("/compare?run=first&run=second&run=third").text

    assert "The tests differ. Compared on the 35 samples that both answered" in page
    assert "Only A was tested on 5, only B on 10; annotated differently: 0." in page
    assert "B is worse than A." in page
    assert "Compared on the 10 samples" in page
    assert "These are too few to say which model is better." in page


def test_runs_are_chosen_from_a_list(browser, run, settings):
    run("first", [RIGHT] * 40)
    run("second", [RIGHT] * 40)
    settings.pipelines.mkdir()
    (settings.pipelines / "shapes.yaml").write_text(makers.QUICK)

    for address in ("/compare", "/compare?run=first", "/pipelines/shapes"):
        page = browser.get(address).text
        assert page.count('<input type="checkbox" name="run"') == 2, address
    assert 'href="/compare"' in browser.get("/").text


def test_what_cannot_be_compared_is_a_sentence(browser, run):
    run("first", [RIGHT] * 40)
    run("boxes", [[]] * 40, task="object_detection")

    assert "One model is of" in browser.get("/compare?run=first&run=boxes").text
    assert browser.get("/compare?run=first&run=nothing").status_code == 404
    assert browser.get("/compare?run=first&run=..%2f..").status_code == 422
