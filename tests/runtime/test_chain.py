"""A chain finds boxes with one network and names their content with another; what its package.json
may say beside that is refused in plain words."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from stages.deploy.chain.chain_content import ChainRule
from stages.deploy.chain.packing import ChainRequest, make_chain
from stages.deploy.chain.parts import ChainPart, opened_part
from stages.deploy.packed import run_packed, write_folder
from stages.runtime.chain import BATCH, ChainPredictor, detector_description
from stages.runtime.crops import crop
from stages.runtime.errors import AgreementNotMet, BadSample, Damaged, WorkflowError
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, check, seal
from stages.runtime.selftest import GOLDEN, selftest
from tests import makers
from tests.runtime.networks import scene
from tests.runtime.painting import plain, saved

RED, BLUE = (255, 0, 0), (0, 0, 255)
FOUND = ("red", (0, 0, 32, 32))


@pytest.fixture(scope="module")
def packed(sealed_files, spots_files, tmp_path_factory):
    """Makes the files of a chain of the spots detector and the colour classifier."""
    folder = tmp_path_factory.mktemp("parts")
    store = makers.store(folder)
    write_folder(folder / "spots", spots_files)
    write_folder(folder / "colours", sealed_files)
    parts = [opened_part(str(folder / name), store) for name in ("spots", "colours")]

    def pack(*labels: str, mirrored: bool = False) -> dict[str, bytes]:
        detector, classifier = parts
        if mirrored:
            classifier = answering_mirror_images(classifier)
        request = ChainRequest("chained", detector, classifier, ChainRule(labels))
        package = make_chain(request, store)
        return {name: store.get(digest) for name, digest in package.files.items()}

    return pack


@pytest.fixture(scope="module")
def chained_files(packed) -> dict[str, bytes]:
    return packed()


@pytest.fixture
def chained(chained_files, tmp_path):
    write_folder(tmp_path / "chained", chained_files)
    return tmp_path / "chained"


def answering_mirror_images(part: ChainPart) -> ChainPart:
    mirrored, mean = ({"step": name, "args": {}} for name in ("mirrored", "mean_of_windows"))
    before, after = part.description["before"], part.description["after"]
    changes = {"before": [*before, mirrored], "after": [mean, *after]}
    return replace(part, description={**part.description, **changes})


def test_a_classifier_may_answer_mirror_images_too(packed, chained, tmp_path):
    write_folder(tmp_path / "both", packed(mirrored=True))

    with Predictor.open(chained) as alone, Predictor.open(tmp_path / "both") as both:
        plain_answer, answer = (each.predict(scene(FOUND)) for each in (alone, both))

    found, expected = (
        [(box["label"], box["score"]) for box in each["boxes"]] for each in (answer, plain_answer)
    )
    assert [label for label, _ in found] == [label for label, _ in expected]
    assert [score for _, score in found] == pytest.approx(
        [score for _, score in expected], abs=1e-5
    )


def changed(folder, change) -> None:
    """Write package.json with what `change` does to it, and seal the package again."""
    description = json.loads((folder / "package.json").read_bytes())
    change(description)
    (folder / "package.json").write_text(json.dumps(description))
    files = {name: (folder / name).read_bytes() for name in check_names(folder)}
    (folder / SEAL).write_bytes(seal(files))


def check_names(folder) -> list[str]:
    lines = (folder / SEAL).read_text().splitlines()[:-1]
    return [line.partition("  ")[2] for line in lines]


def test_each_box_has_the_labels_and_scores_of_both_networks(chained):
    with Predictor.open(chained) as predictor:
        answer = predictor.predict(scene(FOUND, ("blue", (96, 32, 128, 64))))

    labels = {box["label"] for box in answer["boxes"]}
    assert labels == {"red", "blue"}
    for box in answer["boxes"]:
        detected, classified = box["detected"], box["classified"]
        assert detected["label"] == classified["label"] == box["label"]
        assert box["score"] == pytest.approx(detected["score"] * classified["score"], abs=1e-5)


def test_the_classifiers_label_is_final(chained):
    with Predictor.open(chained) as predictor:
        predictor.detector.labels = predictor.detector.labels[::-1]  # it calls red blue
        (box, *_) = predictor.predict(scene(FOUND))["boxes"]

    assert (box["detected"]["label"], box["label"]) == ("blue", "red")


def test_a_label_that_is_not_classified_stays_the_detectors(packed, tmp_path):
    write_folder(tmp_path / "chained", packed("red"))

    with Predictor.open(tmp_path / "chained") as predictor:
        answer = predictor.predict(scene(FOUND, ("blue", (96, 32, 128, 64))))

    unclassified = [box for box in answer["boxes"] if box["label"] == "blue"]
    assert unclassified
    assert all(box["classified"] is None for box in unclassified)
    assert all(box["score"] == box["detected"]["score"] for box in unclassified)
    assert all(box["classified"] for box in answer["boxes"] if box["label"] == "red")


def test_a_photo_without_boxes_has_an_empty_answer(chained):
    with Predictor.open(chained) as predictor:
        answer = predictor.predict(saved(plain((0, 0, 0), (64, 64))))

        assert answer == {"boxes": []}
        assert predictor.kind.line(answer) == "no boxes"
        assert len(predictor.kind.rows(answer)[0]) == len(predictor.kind.columns)


def test_crops_are_cut_out_of_the_upright_photo(chained):
    """A photo whose EXIF turns it by 90 degrees is answered like the turned photo itself."""
    upright = Image.new("RGB", (64, 128))
    upright.paste(RED, (0, 0, 32, 32))
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = upright.transpose(Image.Transpose.ROTATE_90)

    with Predictor.open(chained) as predictor:
        plainly = predictor.answers([saved(upright)])[0]
        turned = predictor.answers([saved(lying, "PNG", exif=exif.tobytes())])[0]

    assert plainly
    assert turned == plainly


def test_a_large_photo_is_decoded_again_for_the_same_answer(chained, monkeypatch):
    photo = scene(FOUND, size=(256, 256))
    with Predictor.open(chained) as predictor:
        stored = predictor.answers([photo])
        monkeypatch.setattr("stages.runtime.chain.STORED_BYTES", 0)

        assert predictor.answers([photo]) == stored


def test_ten_thousand_boxes_are_few_crops_in_few_batches(chained):
    batches = []

    class Counting(Predictor):
        def forward(self, batch):
            batches.append(len(batch))
            return super().forward(batch)

    description = json.loads((chained / "package.json").read_bytes())
    inner = description["classify"]["classifier"]
    own = detector_description(description)
    chain = ChainPredictor(
        description,
        Predictor(own, chained / own["model"]),
        Counting(inner, chained / "classifier" / inner["model"]),
    )
    prepared = chain.prepare(scene(FOUND))
    far_apart = [[k % 100, k // 100, k % 100 + 1, k // 100 + 1, 0.9, 0] for k in range(10_000)]

    scores = chain.crop_scores(far_apart, prepared.facts)

    most = description["classify"]["most"]
    assert len(scores) == most == 100
    assert batches == [BATCH] * (most // BATCH) + [most % BATCH]


def test_batches_do_not_change_the_answers(chained):
    with Predictor.open(chained) as predictor:
        prepared = predictor.prepare(scene(FOUND, ("blue", (64, 0, 128, 64))))
        boxes = [[k, k % 9, k + 10.5, 40, 0.9, k % 2] for k in range(0, 108, 6)]
        batched = predictor.crop_scores(boxes, prepared.facts)
        alone = [predictor.crop_scores([box], prepared.facts)[0] for box in boxes]

    np.testing.assert_allclose(batched, alone, atol=1e-5)


def test_labels_of_one_object_that_the_classifier_decides_between_are_one_box(chained):
    """A detector of the classifier's labels may find an object twice, once for each label."""
    with Predictor.open(chained) as predictor:
        prepared = predictor.prepare(scene(FOUND))
        twice = [[0, 0, 32, 32, 0.9, 0], [1, 0, 32, 32, 0.8, 1]]

        assert len(predictor.crop_scores(twice, prepared.facts)) == 1


def test_a_broken_photo_is_refused_as_by_any_package(chained):
    with Predictor.open(chained) as predictor, pytest.raises(BadSample):
        predictor.predict(b"\xff\xd8no photo")


def test_the_packed_folder_answers_alone_with_its_own_code(chained):
    description = json.loads((chained / "package.json").read_bytes())
    photo = scene(FOUND)

    values = run_packed(chained, "chained_sdk", description, [photo]).values

    with Predictor.open(chained) as predictor:
        assert values == predictor.answers([photo])


def test_the_selftest_notices_another_classifier(chained):
    golden = json.loads((chained / GOLDEN).read_bytes())
    for case in golden["cases"]:
        case["expected"]["scores"][0] = case["expected"]["scores"][0][::-1]
    (chained / GOLDEN).write_text(json.dumps(golden))
    changed(chained, lambda description: None)

    with pytest.raises(AgreementNotMet):
        selftest(chained)


def test_the_selftest_notices_another_margin(chained):
    selftest(chained)
    changed(chained, lambda description: description["classify"].update(margin=2.0))

    with pytest.raises(AgreementNotMet):
        selftest(chained)


@pytest.mark.parametrize("file", ["model.onnx", "classifier/model.onnx", "package.json"])
def test_a_flipped_byte_is_found_in_either_part(chained, file):
    data = bytearray((chained / file).read_bytes())
    data[len(data) // 2] ^= 1
    (chained / file).write_bytes(data)

    with pytest.raises(Damaged, match=file):
        check(chained)
    with pytest.raises(Damaged, match=file):
        Predictor.open(chained)


def deep(levels: int) -> dict:
    inner: dict = {"answers": "labels"}
    for _ in range(levels):
        inner = {"answers": "classified_boxes", "classify": {"classifier": inner}}
    return inner


BAD = [
    (("classify",), None, "classify"),
    (("classify",), [], "classify"),
    (("classify", "margin"), -1, "margin"),
    (("classify", "margin"), 1e9, "margin"),
    (("classify", "most"), 0, "most"),
    (("classify", "most"), 10**6, "most"),
    (("classify", "labels"), [], "labels"),
    (("classify", "labels"), ["yellow"], "labels"),
    (("classify", "labels"), ["red", "red"], "labels"),
    (("classify", "detected"), ["red"], "labels|detected"),
    (("classify", "shown_from"), "0.5", "shown_from"),
    (("classify", "shown_from"), 2, "shown_from"),
    (("classify", "overlap"), -0.5, "overlap"),
    (("classify", "classifier"), None, "classifier"),
    (("classify", "classifier"), {}, "classifier"),
    (("classify", "classifier"), deep(1), "classifier"),
    (("classify", "classifier"), deep(300), "classifier|nested"),
    (("classify", "classifier", "model"), "../../etc/passwd", "model"),
    (("classify", "classifier", "model"), "missing.onnx", "missing.onnx"),
    (("classify", "classifier", "labels"), ["red", "green"], "labels"),
    (("classify", "classifier", "before"), [], "before"),
    (("classify", "classifier", "backend"), "os:system", "No backend"),
    (("answers",), "boxes", "classify"),
    (("answers",), "labels", "The steps end"),
    (("labels",), ["red", "blue"], "labels"),
    (("package_format",), 3, "reads 2"),
]


@pytest.mark.parametrize(("path", "value", "message"), BAD)
def test_a_chain_that_contradicts_itself_is_refused(chained, path, value, message):
    def change(description):
        *outer, last = path
        for name in outer:
            description = description[name]
        description[last] = value

    changed(chained, change)

    with pytest.raises(WorkflowError, match=message):
        Predictor.open(chained)


@pytest.mark.parametrize(
    ("box", "margin", "part"),
    [
        ((2, 3, 6, 7), 0, (slice(3, 7), slice(2, 6))),
        ((2, 3, 6, 7), 0.25, (slice(2, 8), slice(1, 7))),
        ((2.2, 3.2, 5.8, 6.8), 0, (slice(3, 7), slice(2, 6))),
        ((0, 0, 20, 10), 4, (slice(0, 10), slice(0, 20))),
        ((-5, -5, 2, 2), 0, (slice(0, 2), slice(0, 2))),
        ((19.99, 9.99, 20, 10), 0, (slice(9, 10), slice(19, 20))),
        ((25, 15, 30, 18), 0, (slice(9, 10), slice(19, 20))),
    ],
)
def test_a_crop_is_the_box_with_its_margin_inside_the_picture(box, margin, part):
    picture = np.arange(10 * 20 * 3).reshape(10, 20, 3)

    np.testing.assert_array_equal(crop(picture, box, margin), picture[part])
