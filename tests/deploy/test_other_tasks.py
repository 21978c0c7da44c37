"""Packages of sounds and of boxes are made, tested and shipped by the very same stage."""

import json
import re
from html import unescape

import numpy as np
import pytest

from stages.deploy import calibration
from stages.deploy.pack import unpack
from stages.deploy.workbench import Workbench
from stages.etl.manifest import samples_of
from stages.pages.translation import missing_texts, translated
from stages.parts import TARGETS, TASKS, numerics
from stages.runtime.backends.onnxruntime import OnnxRuntime
from stages.runtime.errors import BackendMissing, ConfigError
from stages.runtime.predictor import Predictor

OF_FIXTURES = {"there is only one"}  # texts that record how fixtures chose their network


@pytest.fixture(scope="session")
def clips(hearing):
    return hearing.deploy("cloud_api")


@pytest.fixture(scope="session")
def boxes(detecting):
    return detecting.deploy("cloud_api", max_drop=0.05)


def test_a_package_for_sounds_agrees_and_answers_as_was_measured(hearing, clips, tmp_path):
    tested = samples_of(hearing.dataset, hearing.store, "test")
    truth = [hearing.dataset.labels.index(sample.label) for sample in tested]

    with Predictor.open(unpack(clips, hearing.store, tmp_path / "clips")) as predictor:
        values = predictor.answers([hearing.store.get(sample.digest) for sample in tested])

    right = np.mean(np.argmax(values, axis=1) == truth)
    assert right == pytest.approx(clips.overall["accuracy"].value)
    assert right > 0.8
    assert clips.rungs[-1]["kept"]


def test_a_package_for_sounds_needs_what_opens_sounds_and_no_more(hearing, clips):
    wanted = hearing.store.get(clips.files["requirements.txt"]).decode()
    described = json.loads(hearing.store.get(clips.files["package.json"]))
    readme = hearing.store.get(clips.files["README.md"]).decode()

    assert "soundfile==" in wanted
    assert "pillow" not in wanted
    assert (described["noun"], described["answers"], described["draws"]) == (
        "clip",
        "labels",
        False,
    )
    assert "clip.wav" in readme
    assert "audio/wav" in readme
    assert "photo" not in readme
    assert "--draw" not in readme


def test_int8_is_calibrated_on_one_window_of_each_clip(hearing):
    chosen = calibration.chosen(hearing.dataset, hearing.store, 12)

    windows = calibration.prepared(hearing.model, chosen, hearing.store)

    assert windows.shape == (12, *hearing.model.input_shape)


def test_a_package_for_boxes_agrees_and_answers_as_was_measured(detecting, boxes, tmp_path):
    tested = samples_of(detecting.dataset, detecting.store, "test")

    with Predictor.open(unpack(boxes, detecting.store, tmp_path / "boxes")) as predictor:
        found = [predictor.predict(detecting.store.get(sample.digest)) for sample in tested]

    assert boxes.overall["ap50"].value > 0.4
    assert boxes.rungs[-1]["kept"]
    assert sum(len(answer["boxes"]) for answer in found) > len(found) / 2
    shown = [box for answer in found for box in answer["boxes"]]
    share = boxes.rungs[-1]["sure"]["share"]
    assert share["n"] == len(shown)
    assert share["value"] == sum(box["sure"] for box in shown) / len(shown)


def test_a_package_for_boxes_says_how_they_are_drawn(detecting, boxes):
    readme = detecting.store.get(boxes.files["README.md"]).decode()
    described = json.loads(detecting.store.get(boxes.files["package.json"]))

    assert "--draw out.jpg" in readme
    assert "?draw=true" in readme
    assert described["draws"] is True
    assert "soundfile" not in detecting.store.get(boxes.files["requirements.txt"]).decode()


def test_the_page_about_boxes_tells_every_form_label_and_metric(detecting, boxes):
    page = detecting.store.get(boxes.files["report.html"]).decode()

    for text in ("int8", "float32", "ap50", *detecting.dataset.labels):
        assert text in page.lower()


@pytest.mark.parametrize("numeric", numerics())
def test_every_form_keeps_both_outputs_and_where_boxes_are(detecting, numeric, tmp_path):
    windows, whole = shown(detecting), run(detecting, "float32", tmp_path)

    packed = run(detecting, numeric, tmp_path)

    assert list(packed) == list(whole)
    logits, distances = (np.abs(packed[name] - whole[name]) for name in whole)
    assert len(windows) == len(logits)
    assert np.quantile(distances, 0.99) < 0.2  # strides
    assert np.quantile(logits, 0.99) < 1.0


def shown(deployable):
    chosen = calibration.chosen(deployable.dataset, deployable.store, 10)
    return calibration.prepared(deployable.model, chosen, deployable.store)


def run(deployable, numeric, folder):
    """The outputs of the network in `numeric`, by name."""
    from stages.config import DeployConfig, DeploySlice
    from stages.tracking import QuietRun

    config = DeploySlice(name="shapes", target="device_sdk", deploy=DeployConfig())
    work = Workbench(
        deployable.model,
        deployable.report,
        deployable.dataset,
        config,
        deployable.store,
        QuietRun(),
    )
    place = folder / numeric
    place.mkdir(exist_ok=True)
    engine = OnnxRuntime(work.engine.place(work.compressed(numeric), place))
    return engine.run({engine.inputs[0]: shown(deployable)})


@pytest.fixture(scope="session")
def pages(deployable, package, hearing, clips, detecting, boxes):
    """By task: the report of its model, and the page about a package of it."""
    packages = [(deployable, package), (hearing, clips), (detecting, boxes)]
    return {
        trained.model.task: [
            trained.store.get(artifact.files["report.html"]).decode()
            for artifact in (trained.report, packed)
        ]
        for trained, packed in packages
    }


@pytest.mark.parametrize("task", list(TASKS))
def test_no_text_on_the_pages_of_a_task_lacks_chinese(pages, task):
    missing = {text for page in pages[task] for text in missing_texts(page, "zh")}

    assert missing <= OF_FIXTURES


@pytest.mark.slow
@pytest.mark.parametrize("target", [*TARGETS])
def test_no_text_on_the_page_of_a_target_lacks_chinese(deployable, target):
    try:
        package = deployable.deploy(target, ladder=("float32",))
    except (BackendMissing, ConfigError) as error:
        pytest.skip(error.problem)

    page = deployable.store.get(package.files["report.html"]).decode()

    assert set(missing_texts(page, "zh")) <= OF_FIXTURES


@pytest.mark.parametrize("task", list(TASKS))
def test_pages_in_chinese_differ_in_their_texts_alone(pages, task):
    for page in pages[task]:
        chinese = translated(page, "zh")

        assert numbers_on(chinese) == numbers_on(page)
        assert tags_of(chinese) == tags_of(page)
        assert len(chinese.encode()) < 1.1 * len(page.encode())


def numbers_on(page: str) -> list[str]:
    """The numbers that `page` shows, sorted: in Chinese they may stand in another order."""
    shown = unescape(re.sub(r"<style.*?</style>|<[^<>]*>", " ", page, flags=re.DOTALL))
    return sorted(re.findall(r"\d+(?:[.,]\d+)*", shown))


def tags_of(page: str) -> list[str]:
    """The tags of `page` without what a person reads in them."""
    found = re.findall(r"<[^<>]*>", page.replace('<html lang="zh">', '<html lang="en">'))
    readable = r'(title|aria-label|data-label|alt)="[^"]*"'
    return [
        re.sub(readable, "", tag) for tag in found if tag not in ('<span lang="en">', "</span>")
    ]
