"""Pictures of 16 bits that use few levels keep their contrast, in training as on the device."""

import io

import numpy as np
import pytest
from PIL import Image

from stages.artifacts import Box
from stages.media.levels import decode_arguments, levels_of
from stages.parts import FAMILIES, TASKS
from stages.runtime import steps as runtime
from stages.train.detection.scenes import scenes_of
from tests import layouts, makers
from tests.layouts import LABELS

LOW, HIGH = 6950, 8650


def thermal(label: str, seed: int, low: int = LOW, high: int = HIGH) -> bytes:
    """A shape as a 16-bit PNG whose levels lie between `low` and `high`."""
    return deep(makers.picture(label, seed), low, high)


def deep(picture: bytes, low: int = LOW, high: int = HIGH) -> bytes:
    """`picture` as a 16-bit PNG whose levels lie between `low` and `high`."""
    shape = Image.open(io.BytesIO(picture)).convert("L")
    levels = low + np.asarray(shape, np.float64) / 255 * (high - low)
    out = io.BytesIO()
    Image.fromarray(levels.astype(np.uint16)).save(out, "PNG")
    return out.getvalue()


def write(workshop, each: int = 10, **levels: int) -> None:
    for label in makers.LABELS:
        for seed in range(each):
            workshop.write(f"{label}/{seed}.png", thermal(label, seed, **levels))


@pytest.mark.parametrize("task", ["image_classification", "object_detection"])
def test_the_levels_of_the_train_split_are_those_of_the_step(workshop, task):
    write(workshop)

    dataset = workshop.make()
    (decode, *_) = TASKS[task]().before(FAMILIES["small_image"], 64, dataset)
    step = [{"step": decode.step, "args": decode.args}]
    picture = runtime.run(step, thermal("circle", 3))

    assert dataset.facts["black_level"] == pytest.approx(LOW, abs=250)
    assert dataset.facts["white_level"] == pytest.approx(HIGH, abs=250)
    assert picture.max() - np.sort(picture.ravel())[0] > 200
    assert len(np.unique(picture)) > 50


def test_few_levels_are_told_with_the_range_on_the_page(workshop):
    write(workshop)

    dataset = workshop.make(augmentations=["horizontal_flip"])

    (finding,) = dataset.findings
    assert (finding.check, finding.severity, finding.count) == ("enough grey levels", "warning", 30)
    assert f"level {dataset.facts['black_level']:.0f} becomes black" in workshop.text(
        dataset, "page.html"
    )


def test_pictures_of_eight_bits_have_no_levels_and_the_step_no_argument(workshop):
    workshop.shapes(10)

    dataset = workshop.make()

    assert dataset.facts == {}
    assert decode_arguments(dataset.facts) == {}
    assert dataset.findings == ()


def test_pictures_that_use_all_levels_are_not_told(workshop):
    write(workshop, low=0, high=65535)

    assert workshop.make().findings == ()


def test_levels_are_those_of_the_darkest_and_the_brightest():
    facts = [{"black_level": 9, "white_level": 20}, {}, {"black_level": 5, "white_level": 12}]

    assert levels_of(facts) == {"black_level": 5, "white_level": 20}
    assert levels_of([{}]) == {}
    assert decode_arguments(levels_of([{"black_level": 7, "white_level": 7}])) == {"levels": [7, 8]}


def test_detectors_are_trained_on_the_stretched_pictures(workshop):
    boxes = {
        f"{number}.png": (Box(LABELS[number % 2], 10.0 + number, 9.0, 50.0, 40.0),)
        for number in range(24)
    }
    layouts.coco(workshop.raw, boxes)
    for number, name in enumerate(boxes):
        workshop.write(f"images/{name}", deep(layouts.picture(number)))

    workshop.add()
    dataset = workshop.etl(task="object_detection")
    scenes = scenes_of(dataset, workshop.store, 80, 1)

    assert all(len(np.unique(scene.picture)) > 50 for scene in scenes.training)
