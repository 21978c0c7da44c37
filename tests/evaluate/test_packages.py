"""A package measured from its folder, from a zip, from the store; never if a byte was flipped."""

import json
import shutil

import pytest

from stages.artifacts import Measure, Package
from stages.config import EvaluateConfig
from stages.evaluate.native import description
from stages.evaluate.own import measured
from stages.evaluate.subject import learnt_from, opened
from stages.runtime.description import DESCRIPTION
from stages.runtime.errors import ConfigError, Damaged
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, seal
from tests import makers

OWN = {"threshold": 0.42, "sure_from": 0.42}


def content(trained):
    """The files of a package that runs the model's own graph."""
    _, store, dataset, model = trained
    fields = {
        **description(model),
        "name": "shapes",
        "noun": "photo",
        "format": "paddle",
        "numeric": "float32",
        "model": "model.json",
        "made_of": {"dataset": dataset.ref.id},
        **OWN,
    }
    files = {
        DESCRIPTION: json.dumps(fields).encode(),
        "model.json": store.get(model.files["graph.json"]),
        "model.pdiparams": store.get(model.files["graph.pdiparams"]),
    }
    return {**files, SEAL: seal(files)}


@pytest.fixture
def package(trained, tmp_path):
    folder = tmp_path / "packed" / "shapes"
    folder.mkdir(parents=True)
    for name, data in content(trained).items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def photos(tmp_path):
    return makers.folder_of_pictures(tmp_path / "photos", each=9)


def scores(trained, name, photos):
    with opened(str(name), trained[1]) as subject:
        training_digests = learnt_from(subject, trained[1])
        evaluation, _ = measured(
            subject, photos, EvaluateConfig(), training_digests, 1, lambda *_: None
        )
    return evaluation.predicted.answers


def test_a_package_is_measured_at_its_own_threshold(trained, package, photos):
    (photos / "circle" / "new.png").write_bytes(makers.picture("circle", 78))

    with opened(str(package), trained[1]) as subject:
        evaluation, page = measured(subject, photos, EvaluateConfig(), frozenset(), 1, print)

    assert evaluation.threshold == 0.42
    assert evaluation.sure.least == 0.42
    assert "came with the package" in page


@pytest.mark.parametrize("threshold", [0.0, 0.5, None])
def test_what_is_said_of_sure_answers_is_what_the_package_answers(
    trained, package, photos, threshold
):
    if threshold:  # the very score of one of the answers: it is sure, those below it are not
        files = sorted(photos.rglob("*.png"))
        with Predictor.open(package) as predictor:
            best = [
                max(scores)
                for scores in predictor.answers([scores.read_bytes() for scores in files])
            ]
        threshold = sorted(best)[-2]
    description = json.loads((package / DESCRIPTION).read_text("utf-8"))
    (package / DESCRIPTION).write_text(json.dumps({**description, "sure_from": threshold}), "utf-8")
    files = {path.name: path.read_bytes() for path in package.iterdir() if path.name != SEAL}
    (package / SEAL).write_bytes(seal(files))

    with opened(str(package), trained[1]) as subject:
        found, _ = measured(subject, photos, EvaluateConfig(), frozenset(), 1, lambda *_: None)

    with Predictor.open(package) as predictor:
        answers = [
            predictor.predict((photos / name).read_bytes()) for name in found.predicted.names
        ]
    sure = [answer["sure"] for answer in answers]
    right = [
        answer["labels"][0]["label"] == found.predicted.labels[true]
        for answer, true in zip(answers, found.predicted.truth, strict=True)
    ]
    assert found.sure.right.n == sum(sure)
    assert found.sure.share.value == pytest.approx(sum(sure) / len(sure))
    assert found.sure.right.value * sum(sure) == pytest.approx(
        sum(a and b for a, b in zip(sure, right, strict=True))
    )
    assert found.sure.missed is (threshold is None)
    assert found.sure.everything is all(sure)
    assert any(sure) is (threshold is not None)


def test_folder_zip_and_store_answer_alike(trained, package, photos, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "shapes"), "zip", package.parent, package.name)
    measure = Measure(value=1, low=1, high=1, n=1)
    facts = {"name": "shapes", "target": "device_sdk", "backend": "paddle", "format": "paddle"}
    numbers = {"numeric": "float32", "size_bytes": 1, "overall": {}, "labels_measured": {}}
    files = {name: trained[1].add(data) for name, data in content(trained).items()}
    trained[1].save(Package(**facts, **numbers, agreement=measure, files=files))

    (photos / "circle" / "new.png").write_bytes(makers.picture("circle", 77))
    outputs = [scores(trained, name, photos) for name in (package, archive, "package@")]

    assert outputs[0] == outputs[1] == outputs[2]


def test_photos_of_its_training_are_not_counted(trained, package, photos):
    # makers.dataset has these very pictures, the first three fifths of each label in train
    (photos / "circle" / "new.png").write_bytes(makers.picture("circle", 77))

    assert len(scores(trained, package, photos)) == 1


def test_a_flipped_byte_is_found_before_anything_is_loaded(trained, package, photos):
    weights = package / "model.pdiparams"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)

    with pytest.raises(Damaged, match=r"model\.pdiparams"):
        scores(trained, package, photos)


def test_a_folder_that_is_no_package_is_told(trained, photos):
    with pytest.raises((Damaged, ConfigError), match="no package"):
        scores(trained, photos, photos)
