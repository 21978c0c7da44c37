"""Two packages become one, which is measured from photo to label and agrees with both models."""

import json
import os
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from stages.artifacts import Box, Dataset, Package, Report
from stages.cli.app import app
from stages.deploy.chain.chain_content import ChainRule
from stages.deploy.chain.packing import ChainRequest, make_chain
from stages.deploy.chain.parts import ChainPart, opened_part
from stages.deploy.chain.truth import trained_margin
from stages.deploy.pack import unpack
from stages.etl.crops import cropped, photos_of
from stages.etl.manifest import Sample, samples_of, write_manifest
from stages.evaluate.boxes import Boxes
from stages.evaluate.predictions import read_predicted
from stages.opening import open_store
from stages.publish.comparing import compared
from stages.runner.gc import garbage
from stages.runner.lock import Lock
from stages.runtime.chain import ChainPredictor
from stages.runtime.errors import AgreementNotMet, ConfigError, GateNotMet
from stages.runtime.predictor import Predictor
from stages.runtime.selftest import selftest
from stages.settings import Settings
from stages.store import Store
from tests import makers
from tests.deploy.conftest import BEFORE, SOFTMAX, _evaluated, trained

MARGIN = 0.1
FLOAT = {"ladder": ("float32",)}


class Chainable(NamedTuple):
    """A detector and a classifier of its crops, both packed, and what both were trained on."""

    store: Store
    scenes: Dataset
    detector: ChainPart
    classifier: ChainPart

    def request(self, **changes) -> ChainRequest:
        parts = {"detector": self.detector, "classifier": self.classifier}
        return ChainRequest(
            **{"name": "chained", "rule": ChainRule(margin=MARGIN), **parts, **changes}
        )

    def chain(self, **changes) -> Package:
        return make_chain(self.request(**changes), self.store)


@pytest.fixture(scope="module")
def chainable(detecting, tmp_path_factory) -> Chainable:
    store = detecting.store
    crops = crops_dataset(detecting.dataset, store)
    folder = tmp_path_factory.mktemp("classifier")
    model = trained(crops, store, folder, BEFORE, SOFTMAX)
    packages = [detecting.deploy(**FLOAT), _evaluated(store, model, crops).deploy(**FLOAT)]
    parts = [opened_part(f"package@{package.ref.id}", store) for package in packages]
    return Chainable(store, detecting.dataset, *parts)


def crops_dataset(scenes: Dataset, store: Store) -> Dataset:
    """The crops of all scenes, by the command's own function, as a pipeline takes them in."""
    with cropped(photos_of(scenes, store), MARGIN) as (folder, _):
        lines = (folder / "labels.csv").read_text().splitlines()[1:]
        rows = [line.split(",") for line in lines]
        samples = [crop_sample(folder / file, *rest[:3], store) for file, *rest in rows]
    return makers._saved(store, "image_classification", "c", samples, 1)


def crop_sample(path, label: str, split: str, group: str, store: Store) -> Sample:
    with Image.open(path) as image:
        facts = {"width": image.width, "height": image.height}
    name = f"{label}/{path.name}"
    extra = {"margin": f"{MARGIN}"}
    digest = store.add(path.read_bytes())
    return Sample(name, digest, label, split, f"group:{group}", facts, extra=extra)


@pytest.fixture(scope="module")
def chained(chainable) -> Package:
    return chainable.chain()


def renamed(part: ChainPart, labels: list[str]) -> ChainPart:
    """`part` with other labels, as of a package whose trained model is not in the store."""
    origin = {"dataset": part.description["made_of"]["dataset"]}
    return replace(part, description={**part.description, "labels": labels, "made_of": origin})


def page_of(package: Package, store: Store) -> str:
    return store.get(package.files["report.html"]).decode()


def test_the_chain_is_measured_from_photo_to_label(chainable, chained):
    report = next(chainable.store.load(ref) for ref in chained.parents if ref.kind == "report")

    photos = samples_of(chainable.scenes, chainable.store, "test")
    assert chained.overall == report.overall
    assert chained.overall["micro_recall"].n == sum(len(photo.boxes) for photo in photos)
    assert chained.overall["ap50"].value > 0.5
    assert chained.agreement.value > 0.95
    assert isinstance(report, Report)
    assert report.verdict in ("ship", "undecided")


def test_its_record_names_both_packages_and_the_data(chainable, chained):
    kinds = [ref.kind for ref in chained.parents]
    description = json.loads(chainable.store.get(chained.files["package.json"]))

    assert kinds == ["package", "package", "dataset", "report"]
    assert chained.parents[:2] == (
        chainable.detector.package.ref,
        chainable.classifier.package.ref,
    )
    assert description["made_of"]["detector"] == chainable.detector.id
    assert description["made_of"]["classifier"] == chainable.classifier.id


def test_equal_parts_make_an_equal_chain(chainable, chained):
    assert chainable.chain().ref == chained.ref


def test_the_margin_of_the_classifiers_own_crops_is_known(chainable):
    assert trained_margin(chainable.classifier, chainable.store) == MARGIN
    assert trained_margin(chainable.detector, chainable.store) is None


def test_another_margin_makes_another_chain(chainable, chained):
    assert chainable.chain(rule=ChainRule(margin=0.12)).ref != chained.ref


def test_the_unpacked_chain_passes_its_selftest_with_samples_of_both(chainable, chained, tmp_path):
    folder = unpack(chained, chainable.store, tmp_path / "chained")

    result = selftest(folder)

    names = {path.name.partition("_")[0] for path in (folder / "golden").iterdir()}
    assert {"detector", "classifier"} <= names
    assert result.agreeing == result.samples
    assert result.labels == result.of == 3


def test_predictions_are_what_the_package_answers(chainable, chained, tmp_path):
    folder = unpack(chained, chainable.store, tmp_path / "chained")
    report = next(chainable.store.load(ref) for ref in chained.parents if ref.kind == "report")
    predicted = read_predicted(chainable.store.get(report.files["predictions.json"]))

    with Predictor.open(folder) as predictor:
        photos = [chainable.store.get(digest) for digest in predicted.files[:5]]
        answers = [[row[:6] for row in value] for value in predictor.answers(photos)]

    assert predicted.answers[:5] == answers


def test_true_boxes_are_named_as_their_crops_are(chainable, chained, tmp_path):
    folder = unpack(chained, chainable.store, tmp_path / "chained")
    photos = samples_of(chainable.scenes, chainable.store, "test")

    right = []
    with ChainPredictor.open(folder) as predictor:
        for photo in photos:
            prepared = predictor.prepare(chainable.store.get(photo.digest))
            for box in photo.boxes:
                (scores,) = predictor.crop_scores([[*box[1:], 1.0, 0]], prepared.facts)
                best = predictor.classifier.labels[int(np.argmax(scores))]
                right.append(best == box.label)

    assert np.mean(right) >= chainable.classifier.package.overall["accuracy"].low


def test_sure_boxes_are_those_of_which_both_networks_are(chainable, chained):
    report = next(chainable.store.load(ref) for ref in chained.parents if ref.kind == "report")
    rows = json.loads(chainable.store.get(report.files["predictions.json"]))["chain"]
    by_detector = chainable.detector.description["sure_from"]
    by_classifier = chainable.classifier.description["sure_from"]

    boxes = [row for value in rows for row in value]
    assert boxes
    for row in boxes:
        pairs = [(row[6], by_detector), (row[8], by_classifier)]
        assert row[9] == all(least is not None and score >= least for score, least in pairs)
    assert "A box is sure if both networks are" in page_of(chained, chainable.store)


def test_it_is_compared_with_the_detector_alone(chainable, chained):
    page = page_of(chained, chainable.store)

    assert "Beside one detector of the same labels" in page
    assert "points" in page
    assert chainable.detector.id[:12] in page


def test_without_fine_labels_its_figure_is_said_not_to_be_measured(chainable):
    classifier = renamed(chainable.classifier, ["intact", "cracked", "dirty"])

    package = chainable.chain(classifier=classifier)

    assert package.overall == {}
    assert package.verdict == "undecided"
    assert "figure is not measured" in package.reasons[0]
    assert "--truth" in page_of(package, chainable.store)
    assert "its package stands for it" in page_of(package, chainable.store)
    assert package.agreement.n  # it still answers as its parts do


def test_a_named_truth_measures_it(chainable):
    """Data with other labels for the same photos, as of somebody who annotated them again."""
    new = dict(zip(makers.LABELS, ("intact", "cracked", "dirty"), strict=True))
    classifier = renamed(chainable.classifier, list(new.values()))
    photos = samples_of(chainable.scenes, chainable.store, "test")
    truth = {
        photo.digest: [Box(new[box.label], *box[1:]) for box in photo.boxes]
        for photo in photos[:-3]
    }

    package = chainable.chain(classifier=classifier, truth=("again", truth))

    assert package.overall["ap50"].value > 0.5
    assert "3 test photos are not counted" in page_of(package, chainable.store)


def test_photos_that_the_classifier_was_trained_on_are_not_counted(chainable):
    store = chainable.store
    crops = store.load(chainable.classifier.origin("dataset"))
    photos = samples_of(chainable.scenes, store, "test")
    trained_on = {f"group:{photo.digest}" for photo in photos[:10]}
    samples = [
        replace(sample, split="train") if sample.group in trained_on else sample
        for sample in samples_of(crops, store)
    ]
    leaking = crops.model_copy(
        update={"files": {**crops.files, "manifest.csv": store.add(write_manifest(samples))}}
    )
    store.save(leaking)
    origin = {**chainable.classifier.description["made_of"], "dataset": leaking.ref.id}
    described = {**chainable.classifier.description, "made_of": origin}

    package = chainable.chain(classifier=replace(chainable.classifier, description=described))

    boxes = sum(len(photo.boxes) for photo in photos if f"group:{photo.digest}" not in trained_on)
    assert package.overall["micro_recall"].n == boxes
    assert "not counted: the classifier was trained on crops of them" in page_of(package, store)


def test_a_part_that_does_not_answer_as_its_model_is_not_shipped(chainable):
    """The packed classifier answers as before for labels in another order: it is not its model."""
    labels = chainable.classifier.labels
    described = {**chainable.classifier.description, "labels": [*labels[1:], labels[0]]}

    with pytest.raises(AgreementNotMet, match="does not answer as its two trained models"):
        chainable.chain(classifier=replace(chainable.classifier, description=described))


def test_a_chain_that_finds_surely_too_little_is_not_shipped(chainable):
    wrong = dict(zip(makers.LABELS, [*makers.LABELS[1:], makers.LABELS[0]], strict=True))
    photos = samples_of(chainable.scenes, chainable.store, "test")
    truth = {
        photo.digest: [Box(wrong[box.label], *box[1:]) for box in photo.boxes] for photo in photos
    }

    with pytest.raises(GateNotMet, match="No chain is made"):
        chainable.chain(truth=("wrong", truth))


def test_packages_in_the_wrong_places_are_refused(chainable):
    with pytest.raises(ConfigError, match="the first package of a chain answers boxes"):
        chainable.chain(detector=chainable.classifier, classifier=chainable.detector)
    with pytest.raises(ConfigError, match="the second package of a chain answers labels"):
        chainable.chain(classifier=chainable.detector)


def test_a_classifier_of_sounds_is_refused(chainable, hearing):
    package = hearing.deploy(**FLOAT)
    sounds = opened_part(f"package@{package.ref.id}", hearing.store)

    with pytest.raises(ConfigError, match="answers sounds, and crops are pictures"):
        chainable.chain(classifier=sounds)


def test_a_chain_of_a_chain_is_refused(chainable, chained):
    part = opened_part(f"package@{chained.ref.id}", chainable.store)

    with pytest.raises(ConfigError, match="is a chain itself"):
        chainable.chain(detector=part)
    with pytest.raises(ConfigError, match="is a chain itself"):
        chainable.chain(classifier=part)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (ChainRule(("circel",)), "no label 'circel'"),
        (ChainRule(margin=-0.1), "margin is -0.1"),
        (ChainRule(margin=float("nan")), "margin is nan"),
        (ChainRule(margin=100), "margin is 100"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(chainable, rule, message):
    with pytest.raises(ConfigError, match=message):
        chainable.chain(rule=rule)


def test_an_unknown_target_is_refused(chainable):
    with pytest.raises(ConfigError, match="cannot be packed for 'microcontroller'"):
        chainable.chain(target="microcontroller")


def test_a_package_that_is_gone_is_refused(chainable):
    with pytest.raises(ConfigError, match="names no artifact"):
        opened_part("package@0000", chainable.store)


def test_a_folder_of_a_package_is_known_by_its_seal(chainable, tmp_path):
    package = chainable.detector.package
    unpack(package, chainable.store, tmp_path / "folder")

    part = opened_part(str(tmp_path / "folder"), chainable.store)

    assert part.package.ref == package.ref
    assert part.id == chainable.detector.id


def test_metrics_take_a_chains_answers_like_any_boxes(chainable, chained, tmp_path):
    """What `aiwf evaluate` and publishing do: a Subject of the unpacked package."""
    from stages.evaluate.predictions import answers
    from stages.evaluate.subject import opened

    folder = unpack(chained, chainable.store, tmp_path / "chained")
    photos = samples_of(chainable.scenes, chainable.store, "test")[:4]
    with opened(str(folder), chainable.store) as subject:
        fetches = [lambda photo=photo: chainable.store.get(photo.digest) for photo in photos]
        found = answers(fetches, subject.predictor, 1)

    assert all(len(row) == 6 for value in found.values for row in value)
    assert len(Boxes().truth(photos, subject.labels)) == len(found.values)


@pytest.fixture(scope="module")
def workspace(chainable, chained, tmp_path_factory) -> Settings:
    """A workspace whose store has both packages, all that they were made of, and the chain."""
    settings = makers.settings(tmp_path_factory.mktemp("chains"))
    blobs, source = open_store(settings).blobs, chainable.store.blobs
    for prefix in ("records/", "blobs/"):
        for key in list(source.keys(prefix)):
            blobs.put(key, source.get(key))
    run = {"etl": chainable.scenes.ref, "deploy_device_sdk": chainable.detector.package.ref}
    config = {"deploy": {"targets": ["device_sdk"]}}
    lock = Lock(
        run="scenes-1",
        pipeline="scenes",
        data={},
        config=config,
        seeds={},
        requirements="",
        machine={},
        artifacts=run,
    )
    open_store(settings).note("runs/scenes-1", lock.model_dump(mode="json"))
    return settings


@pytest.fixture
def aiwf(workspace, monkeypatch):
    monkeypatch.setenv("AIWF_WORKSPACE", str(workspace.root))
    monkeypatch.setenv("AIWF_THREADS", "1")

    def call(*arguments: str):
        return CliRunner().invoke(app, list(arguments))

    return call


def test_the_command_makes_the_chain_by_the_names_of_run_and_package(
    aiwf, chainable, chained, workspace, tmp_path
):
    classifier = f"package@{chainable.classifier.id[:20]}"
    out = tmp_path / "chained.zip"

    done = aiwf("chain", "scenes", classifier, "--name", "chained", "--out", str(out))

    assert done.exit_code == 0, done.output
    assert str(chained.ref) in done.output  # with the margin of the classifier's own crops
    assert "agrees with both trained models" in done.output
    (tmp_path / "scene.png").write_bytes(makers.scene(1)[0])
    answered = aiwf("predict", str(out), str(tmp_path / "scene.png"), "--json")
    boxes = json.loads(answered.output)["boxes"]
    assert {box["label"] for box in boxes} <= set(makers.LABELS)
    assert all(box["classified"] for box in boxes)


def test_show_follows_a_chain_to_both_packages_and_their_data(aiwf, chainable, chained):
    shown = aiwf("show", f"package@{chained.ref.id[:20]}").output

    for part in (chainable.detector, chainable.classifier):
        assert str(part.package.ref) in shown
        assert str(part.origin("model")) in shown
        assert str(part.origin("dataset")) in shown


def test_gc_leaves_a_chain_and_what_it_was_made_of(aiwf, chainable, chained, workspace):
    store = open_store(workspace)
    store.note("chains/chained", [chained.ref.id])
    for path in (workspace.root / "store").rglob("*"):
        os.utime(path, (0, 0))

    gone = {found.name for found in garbage(store, workspace)}

    reached = [chained.ref, *chained.parents, chainable.classifier.origin("model")]
    assert not gone & {f"records/{ref.kind}/{ref.id}" for ref in reached}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing", "scenes"), "no package, run or pipeline 'nothing'"),
        (("scenes", "package@ffff"), "names no artifact"),
        (("scenes", "scenes"), "answers boxes; the second"),
        (("scenes", "CLASSIFIER", "--labels", "circle,sqare"), "no label 'sqare'"),
        (("scenes", "CLASSIFIER", "--name", "../x"), "cannot be the name"),
        (("scenes", "CLASSIFIER", "--target", "android"), "cannot be packed for"),
        (("scenes", "CLASSIFIER", "--truth", "nothing"), "no data called 'nothing'"),
        (("scenes", "CLASSIFIER", "--out", "."), "is there already"),
    ],
)
def test_a_command_that_cannot_be_is_refused_in_words(aiwf, chainable, arguments, message):
    classifier = f"package@{chainable.classifier.id}"
    named = [classifier if each == "CLASSIFIER" else each for each in arguments]

    refused = aiwf("chain", *named)

    assert isinstance(refused.exception, ConfigError)
    assert message in refused.exception.problem


def test_crops_of_a_run_have_its_splits(aiwf, chainable, workspace):
    done = aiwf("data", "crops", "scenes-1", "crops")

    boxes = {
        split: sum(len(each.boxes) for each in samples_of(chainable.scenes, chainable.store, split))
        for split in ("train", "validation", "test")
    }
    assert done.exit_code == 0, done.output
    assert f"{sum(boxes.values()):,} crops" in done.output
    for split, count in boxes.items():
        assert f"{split} {count}" in done.output


def test_a_chain_is_published_and_compared_like_any_package(chainable, chained, workspace):
    found = compared(chained, chained, workspace)

    assert found.metric == "ap50"
    assert found.verdict in ("", "undecided")
