"""From a trained model to a package that passed its own test."""

import json
import re
import subprocess
import sys
from itertools import cycle

import numpy as np
import pytest

from stages.deploy.compressors import int8_finetuned
from stages.deploy.pack import unpack
from stages.etl.manifest import samples_of
from stages.parts import COMPRESSORS
from stages.runtime.errors import AgreementNotMet, ConfigError, GateNotMet
from stages.runtime.predictor import Predictor
from stages.tracking import QuietRun


@pytest.fixture
def on_the_board():
    """Registers the test's own compressors, as anyone would, and takes them off again."""
    COMPRESSORS.places["onnx/ruinous"] = "tests.deploy.ruinous:Ruinous"
    COMPRESSORS.places["onnx/unable"] = "tests.deploy.ruinous:Unable"
    yield
    del COMPRESSORS.places["onnx/ruinous"], COMPRESSORS.places["onnx/unable"]


def test_the_package_answers_as_was_measured(deployable, package, tmp_path):
    samples = [
        deployable.store.get(sample.digest)
        for sample in samples_of(deployable.dataset, deployable.store, "test")
    ]
    truth = [
        deployable.dataset.labels.index(sample.label)
        for sample in samples_of(deployable.dataset, deployable.store, "test")
    ]

    with Predictor.open(unpack(package, deployable.store, tmp_path / "package")) as predictor:
        answered = np.argmax(predictor.answers(samples), axis=1)

    assert float(np.mean(answered == np.array(truth))) == package.overall["accuracy"].value
    assert package.overall["accuracy"].value > 0.7


def test_how_right_the_packages_own_sure_answers_are_is_counted_and_told(
    deployable, package, tmp_path
):
    tested = samples_of(deployable.dataset, deployable.store, "test")
    folder = unpack(package, deployable.store, tmp_path / "package")

    with Predictor.open(folder) as predictor:
        best = [
            predictor.predict(deployable.store.get(sample.digest))["labels"][0] for sample in tested
        ]

    right = [
        answer["label"] == true.label
        for answer, true in zip(best, tested, strict=True)
        if answer["sure"]
    ]
    recorded = package.rungs[-1]["sure"]
    assert right
    assert recorded["right"]["n"] == len(right)
    assert recorded["right"]["value"] == np.mean(right)
    assert recorded["share"]["value"] == len(right) / len(tested)
    share = f"{100 * np.mean(right):.1f}".removesuffix(".0") + " % ("
    for name in ("README.md", "report.html"):
        assert share in " ".join((folder / name).read_text().split())


def test_the_smallest_form_that_agrees_is_shipped(package):
    assert package.numeric == "int8"
    assert [candidate["numeric"] for candidate in package.rungs] == ["int8"]
    assert package.agreement.value > 0.9


def test_a_form_that_ruins_one_label_is_stopped_and_the_next_ships(deployable, on_the_board):
    ruined = deployable.dataset.labels[0]

    package = deployable.deploy(ladder=("ruinous", "float16"))

    stopped, shipped = package.rungs
    assert not stopped["kept"]
    assert f"recall of '{ruined}' drops" in stopped["why"]
    assert package.numeric == shipped["numeric"] == "float16"
    assert package.labels_measured[ruined]["recall"].value > 0.5


def test_a_form_that_cannot_be_made_is_passed_over(deployable, on_the_board):
    package = deployable.deploy(ladder=("unable", "float32"))

    assert package.numeric == "float32"
    assert "cannot be compressed" in package.rungs[0]["why"]


def test_a_form_that_saves_nothing_is_passed_over(deployable):
    package = deployable.deploy(ladder=("float32", "float16"))

    assert package.numeric == "float16"
    assert "not smaller than float16" in package.rungs[0]["why"]


def test_int8_is_tried_before_it_is_fine_tuned_and_fine_tuning_where_it_fails(
    deployable, monkeypatch
):
    places = {"int8": "tests.deploy.ruinous:Ruinous"}
    places["int8_finetuned"] = ".deploy.compressors.float16:Float16"  # which agrees, and is quick
    for numeric, place in places.items():
        monkeypatch.setitem(COMPRESSORS.places, f"onnx/{numeric}", place)

    package = deployable.deploy(ladder=("int8", "int8_finetuned", "float32"))

    assert [candidate["numeric"] for candidate in package.rungs] == ["int8", "int8_finetuned"]
    assert "recall of" in package.rungs[0]["why"]
    assert package.numeric == "int8_finetuned"


@pytest.mark.slow
def test_a_fine_tuned_network_is_packed_and_answers(deployable, monkeypatch):
    errors = cycle((0.1, 0.2))  # fine-tuned, int8: so small a network gains nothing
    monkeypatch.setattr(int8_finetuned, "output_error", lambda *_: next(errors))

    package = deployable.deploy(ladder=("int8_finetuned", "float16"))

    assert package.numeric == "int8_finetuned"
    assert package.agreement.value > 0.9


def test_nothing_is_shipped_if_no_form_agrees(deployable, on_the_board):
    before = set(deployable.store.refs("package"))

    with pytest.raises(AgreementNotMet, match=r"ruinous: .*recall of 'circle' drops") as caught:
        deployable.deploy(ladder=("ruinous",))

    assert "max_drop" in caught.value.remedy
    assert set(deployable.store.refs("package")) == before


def test_nothing_is_shipped_against_the_report(deployable):
    bad = deployable.report.model_copy(
        update={
            "verdict": "do not ship",
            "reasons": ("Accuracy is 85 %: below 99 %.",),
            "gate": {"accuracy": 0.99},
        }
    )

    with pytest.raises(GateNotMet, match=r"do not ship\. Accuracy is 85 %: below 99 %\."):
        deployable._replace(report=bad).deploy()


def test_a_report_about_other_photos_is_refused(deployable):
    predictions = json.loads(deployable.store.get(deployable.report.files["predictions.json"]))
    predictions["files"].reverse()
    other = deployable.store.add(json.dumps(predictions).encode())
    report = deployable.report.model_copy(update={"files": {"predictions.json": other}})

    with pytest.raises(ConfigError, match="was not measured on the test split"):
        deployable._replace(report=report).deploy()


def test_what_was_timed_is_beside_the_package(deployable, package):
    timed = deployable.store.noted(f"latency/{package.ref.id}")

    assert 0 < timed["median_ms"] <= timed["p95_ms"]
    assert timed["load_ms"] > 0
    assert set(timed["rungs"]) == {package.numeric, "float32"}
    assert "_ms" not in package.model_dump_json()


def test_the_second_target_finds_the_costly_work_done(deployable, package):
    class Heard(QuietRun):
        def __init__(self):
            self.what = set()

        def progress(self, what, done, total):
            self.what.add(what)

    run = Heard()
    other = deployable.deploy("cloud_api", run=run)

    assert "export" not in run.what
    assert not [what for what in run.what if what.startswith("compressing")]
    assert other.files["model.onnx"] == package.files["model.onnx"]


AGAIN = """
import sys
from pathlib import Path
from stages.blobs.folder import FolderBlobs
from stages.config import DeployConfig, DeploySlice
from stages.deploy import deploy
from stages.resources import Resources
from stages.store import Store
from stages.tracking import QuietRun
store = Store(FolderBlobs(Path(sys.argv[1])), Path(sys.argv[2]))
inputs = [store.load(store.find(text)) for text in sys.argv[3:]]
config = DeploySlice(name="shapes", target="device_sdk", deploy=DeployConfig())
resources = Resources(cores=2, scratch=Path(sys.argv[2]))
print(deploy(*inputs, config, store=store, run=QuietRun(), resources=resources).ref.id)
"""


def test_equal_inputs_make_an_equal_package_in_another_process(deployable, package, tmp_path):
    from stages.blobs.folder import FolderBlobs

    place = FolderBlobs(tmp_path / "store")
    for key in deployable.store.blobs.keys(""):
        if not key.startswith("notes/"):
            place.put(key, deployable.store.blobs.get(key))
    inputs = [
        f"{ref.kind}@{ref.id}"
        for ref in (deployable.model.ref, deployable.report.ref, deployable.dataset.ref)
    ]

    command = [
        sys.executable,
        "-c",
        AGAIN,
        str(tmp_path / "store"),
        str(tmp_path / "cache"),
        *inputs,
    ]
    result = subprocess.run(command, check=True, capture_output=True, text=True)

    assert result.stdout.split()[-1] == package.ref.id


def test_the_page_tells_every_form_and_label_and_needs_nothing_from_elsewhere(
    deployable, on_the_board
):
    package = deployable.deploy(ladder=("ruinous", "float32"))

    page = deployable.store.get(package.files["report.html"]).decode()

    for text in (
        "ruinous",
        "float32",
        *deployable.dataset.labels,
        "recall of &#39;circle&#39; drops",
    ):
        assert text in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_oldest_libraries_of_a_service_are_enough_to_serve(deployable):
    package = deployable.deploy("cloud_api", ladder=("float32",))

    least, tested = (
        deployable.store.get(package.files[name]).decode().splitlines()
        for name in ("requirements-least.txt", "requirements.txt")
    )

    def named(lines):
        return {re.split("[=>]", line)[0] for line in lines if not line.startswith("#")}

    assert named(least) == named(tested)
    assert {"fastapi", "uvicorn"} <= named(least)
    assert any(line.startswith("#") and "as tested" in line for line in least)
