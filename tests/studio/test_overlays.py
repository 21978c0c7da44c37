"""What a model looked at is drawn on mistakes and for tried pictures, or it is told why not."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from stages.artifacts import Model, Ref, Report, Step
from stages.evaluate.predictions import Predicted
from stages.models.arrays import pack_arrays
from stages.opening import open_store
from stages.parts import FAMILIES
from stages.runner.lock import keep
from tests import makers
from tests.models.exporting import arrays_of
from tests.studio.conftest import saved_package, saved_run

TASK = "image_classification"
LABELS = ("cat", "<dog>", "hat")
FAMILY = FAMILIES["squeezenet"]


def saved_model(settings) -> Model:
    """A model with random weights, which gives maps."""
    store, rng = open_store(settings), np.random.default_rng(7)
    head = {
        "head.out.weight": rng.normal(size=(FAMILY.features, 3)).astype(np.float32),
        "head.out.bias": np.zeros(3, np.float32),
    }
    model = Model(
        task=TASK,
        labels=LABELS,
        family=FAMILY.name,
        input_shape=(3, 64, 64),
        before=(
            Step(step="decode_picture"),
            Step(step="resize", args={"size": 64}),
            Step(step="normalise", args={"mean": [0.5] * 3, "std": [0.2] * 3}),
            Step(step="to_channels_first"),
        ),
        after=(Step(step="softmax"),),
        hyperparameters={},
        selection={},
        files={"weights.npz": store.add(pack_arrays(arrays_of(FAMILY.name) | head))},
    )
    store.save(model)
    return model


@pytest.fixture
def run(settings, package_files):
    """Saves a finished run of a model that takes two of three cats for something else."""
    package = saved_package("shapes", package_files["colours"], settings)
    store = open_store(settings)

    def save(model: Ref) -> list[str]:
        digests = [store.add(makers.picture(seed=seed)) for seed in range(3)]
        scores = [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.05, 0.05, 0.9]]
        names = tuple(f"<i>{row}.png" for row in range(3))
        predicted = Predicted(LABELS, names, tuple(digests), [0] * 3, scores)
        lock = saved_run("first", settings, package, TASK)
        report: Report = store.load(lock.artifacts["evaluate"])
        files = {"predictions.json": store.add(predicted.record())}
        report = report.model_copy(update={"files": files, "parents": (model,), "labels": LABELS})
        store.save(report)
        artifacts = {**lock.artifacts, "evaluate": report.ref}
        keep(lock.model_copy(update={"artifacts": artifacts}), store, settings)
        return digests

    return save


def test_mistakes_are_listed_the_surest_first(browser, run):
    digests = run(Ref("model", "1" * 64))

    page = browser.get("/runs/first/mistakes").text

    assert page.count('class="picture"') == 2
    assert page.index(digests[2]) < page.index(digests[1])
    assert "&lt;dog&gt; 60 %" in page
    assert "<i>" not in page
    assert 'href="/runs/first/mistakes"' in browser.get("/runs/first").text
    assert browser.get("/runs/nothing/mistakes").status_code == 404


def test_without_the_model_it_is_told_and_nothing_is_drawn(browser, run, settings, package_files):
    digests = run(Ref("model", "1" * 64))
    package = saved_package("other", package_files["colours"], settings)

    page = browser.get("/runs/first/mistakes").text
    tried = browser.get(f"/try/{package.ref.id}").text

    for text in (page, tried):
        assert "What it looked at cannot be shown. The model that this was made from" in text
    assert "<figure>" not in page
    assert "data-overlay" not in tried
    answer = browser.get(f"/runs/first/mistakes/{digests[1]}/overlay?label=cat")
    assert answer.status_code == 422
    assert browser.post(f"/try/{package.ref.id}/overlay", content=b"x").status_code == 422


@pytest.mark.slow
def test_the_overlay_of_a_mistake_is_drawn_in_a_process_of_its_own(browser, run, settings):
    model = saved_model(settings)
    digests = run(model.ref)
    page = browser.get("/runs/first/mistakes").text
    address = f"/runs/first/mistakes/{digests[1]}/overlay"

    drawn = browser.get(f"{address}?label=%3Cdog%3E")
    again = browser.get(f"{address}?label=%3Cdog%3E")

    assert f"{address}?label=%3Cdog%3E" in page
    assert drawn.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(drawn.content)).size == (64, 64)
    assert drawn.headers["x-label"] == "%3Cdog%3E"
    assert again.content == drawn.content
    assert browser.get(f"{address}?label=fish").status_code == 422
    right = f"/runs/first/mistakes/{digests[0]}/overlay?label=cat"
    assert browser.get(right).status_code == 404  # it is no mistake


@pytest.mark.slow
def test_a_tried_picture_is_drawn_and_not_kept(browser, settings, package_files):
    model = saved_model(settings)
    files = dict(package_files["colours"])
    description = json.loads(files["package.json"]) | {"made_of": {"model": model.ref.id}}
    package = saved_package("shapes", resealed(files, description), settings)
    entries = set(open_store(settings).blobs.keys("memo/"))

    page = browser.get(f"/try/{package.ref.id}").text
    drawn = browser.post(f"/try/{package.ref.id}/overlay?label=hat", content=makers.picture())
    wrong = browser.post(f"/try/{package.ref.id}/overlay?label=hat", content=b"no picture")

    assert f'data-overlay="/try/{package.ref.id}/overlay"' in page
    assert drawn.headers["content-type"] == "image/jpeg"
    assert drawn.headers["x-label"] == "hat"
    assert drawn.headers["x-answered"]
    assert wrong.status_code == 422
    assert set(open_store(settings).blobs.keys("memo/")) == entries


def resealed(files: dict[str, bytes], description: dict) -> dict[str, bytes]:
    """The files of a package with another package.json, sealed again."""
    from stages.runtime.sealed import SEAL, seal

    changed = {**files, "package.json": json.dumps(description).encode()}
    return {**changed, SEAL: seal({name: data for name, data in changed.items() if name != SEAL})}
