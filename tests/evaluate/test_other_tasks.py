"""`aiwf evaluate` on one's own sounds and photos with boxes, with real small models."""

import json

import pytest

from stages.cli.evaluate import evaluate
from stages.config import EvaluateConfig
from stages.evaluate.own import measured
from stages.evaluate.subject import learnt_from, opened
from stages.runtime.errors import ConfigError, DataError
from tests import makers
from tests.deploy.conftest import scenes, tones
from tests.deploy.tones import HERTZ, sound
from tests.evaluate.test_stage import Page


@pytest.fixture(scope="session")
def detecting(tmp_path_factory):
    return scenes(tmp_path_factory.getbasetemp() / "scenes")


@pytest.fixture(scope="session")
def hearing(tmp_path_factory):
    return tones(tmp_path_factory.getbasetemp() / "tones")


@pytest.fixture
def clips(tmp_path):
    """Class folders of four new sounds each, and one that is none."""
    for label in HERTZ:
        (tmp_path / "clips" / label).mkdir(parents=True)
        for index in range(4):
            (tmp_path / "clips" / label / f"{index}.wav").write_bytes(sound(label, 900 + index))
    (tmp_path / "clips" / "hum" / "broken.wav").write_bytes(b"no sound")
    return tmp_path / "clips"


@pytest.fixture
def photos(tmp_path):
    """A COCO folder of new scenes."""
    folder = tmp_path / "photos"
    (folder / "images").mkdir(parents=True)
    coco = makers.CocoText(makers.LABELS)
    for index in range(16):
        data, boxes = makers.scene(7000 + index)
        (folder / "images" / f"{index}.png").write_bytes(data)
        coco.add(f"images/{index}.png", 96, 96, boxes)
    return write(folder, coco.record())


def write(folder, record):
    (folder / "annotations.json").write_text(json.dumps(record))
    return folder


def run(trained, folder, **config):
    with opened(f"model@{trained.model.ref.id}", trained.store) as subject:
        training_digests = learnt_from(subject, trained.store)
        return measured(
            subject, folder, EvaluateConfig(**config), training_digests, 2, lambda *_: None
        )


def test_clips_are_measured_and_called_so(hearing, clips):
    evaluation, text = run(hearing, clips)

    assert len(evaluation.predicted.names) == 12
    assert "on your own clips" in text
    assert "hum/broken.wav" in text
    assert "photo" not in text.lower()
    assert not any("photo" in line for line in (*evaluation.reasons, *evaluation.advice))
    assert not Page(text).open


def test_a_mistaken_clip_can_be_looked_at_and_listened_to(hearing, clips):
    (clips / "hum" / "wrong.wav").write_bytes(sound("whistle", 950))

    evaluation, text = run(hearing, clips)

    assert "hum/wrong.wav" in [mistake.name for mistake in evaluation.mistakes]
    assert text.count("<audio ") == len(evaluation.mistakes)


def test_photos_with_boxes_are_measured(detecting, photos):
    evaluation, text = run(detecting, photos)

    boxes = sum(map(len, evaluation.predicted.truth))
    supports = [each["support"].value for each in evaluation.measured.labels.values()]
    assert len(evaluation.predicted.names) == 16
    assert sum(supports) == boxes > 10
    assert evaluation.measured.overall["ap50"].value > 0.2  # the model has learnt such scenes
    assert not Page(text).open


def test_a_photo_whose_boxes_are_not_on_it_is_quarantined(detecting, photos):
    record = json.loads((photos / "annotations.json").read_text())
    record["annotations"][0]["bbox"] = [500, 500, 20, 20]
    record["annotations"][-1]["bbox"] = [80, 80, 16.5, 16.5]  # half a pixel beyond: clipped

    evaluation, text = run(detecting, write(photos, record))

    assert len(evaluation.predicted.names) == 15
    assert "is not on the picture of 96 × 96 pixels" in text
    assert (
        max(edge for boxes in evaluation.predicted.truth for row in boxes for edge in row[:4]) <= 96
    )


def test_the_same_photo_with_other_boxes_is_not_counted(detecting, photos):
    record = json.loads((photos / "annotations.json").read_text())
    twin = {**record["images"][0], "id": 99, "file_name": "images/twin.png"}
    (photos / "images" / "twin.png").write_bytes((photos / "images" / "0.png").read_bytes())
    box = {"id": 999, "image_id": 99, "category_id": 1, "bbox": [1, 1, 9, 9], "iscrowd": 0}
    record["images"].append(twin)
    record["annotations"].append(box)

    evaluation, text = run(detecting, write(photos, record))

    assert len(evaluation.predicted.names) == 15
    assert text.count("is annotated in more than one way") == 2


def test_a_label_of_boxes_that_the_model_does_not_know_is_told(detecting, photos):
    record = json.loads((photos / "annotations.json").read_text())
    record["categories"][0]["name"] = "circel"

    with pytest.raises(DataError, match="does not know 1 label of yours: 'circel'") as error:
        run(detecting, write(photos, record))

    assert "did you mean 'circle'" in error.value.remedy


def test_the_command_tells_what_boxes_are_measured_by(
    detecting, photos, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("stages.opening.open_store", lambda settings: detecting.store)
    name = f"model@{detecting.model.ref.id[:12]}"

    evaluate(name, photos, tmp_path / "out")

    output = capsys.readouterr().out
    assert "AP50 " in output
    assert "Micro recall" in output
    assert json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))["overall"]["ap50_95"]
    with pytest.raises(ConfigError, match="no metric is called 'accuracy'"):
        evaluate(name, photos, tmp_path / "out", ["accuracy=0.5"])
