"""The gate holds for what ships: a packed network is measured itself, and may be worse."""

import json

import pytest

from stages.parts import COMPRESSORS
from stages.runtime.errors import AgreementNotMet, ConfigError, GateNotMet
from stages.tracking import QuietRun

ALL_MAY_BE_LOST = {"max_drop": 1.0}


@pytest.fixture
def on_the_board():
    """Compressors whose network never says its first label: one agrees as far as that is asked."""
    COMPRESSORS.places["onnx/forgetful"] = "tests.deploy.ruinous:Forgetful"
    COMPRESSORS.places["onnx/ruinous"] = "tests.deploy.ruinous:Ruinous"
    yield
    del COMPRESSORS.places["onnx/forgetful"], COMPRESSORS.places["onnx/ruinous"]


class Remembering(QuietRun):
    def __init__(self):
        self.metrics, self.tags, self.files = {}, {}, {}

    def log_metrics(self, metrics, step=0):
        self.metrics |= metrics

    def log_tags(self, tags):
        self.tags |= tags

    def log_file(self, name, data):
        self.files[name] = data.decode()


def gated(deployable, **gate):
    named = {name.replace("_of_", " of "): least for name, least in gate.items()}
    return deployable._replace(report=deployable.report.model_copy(update={"gate": named}))


def test_a_form_that_agrees_and_misses_the_gate_is_stopped_and_the_next_ships(
    deployable, on_the_board
):
    package = gated(deployable, accuracy=0.8).deploy(
        ladder=("forgetful", "float16"), **ALL_MAY_BE_LOST
    )

    stopped, shipped = package.rungs
    assert not stopped["kept"]
    assert stopped["failures"] == ()
    assert "below the gate of 80 %" in stopped["why"]
    assert (stopped["verdict"], shipped["verdict"]) == ("do not ship", package.verdict)
    assert package.numeric == "float16"
    assert package.overall["accuracy"].value >= 0.8


def test_a_gate_on_a_label_holds_for_the_package(deployable, on_the_board):
    label = deployable.dataset.labels[0]
    demanding = gated(deployable, **{f"recall_of_{label}": 0.5})

    package = demanding.deploy(ladder=("forgetful", "float16"), **ALL_MAY_BE_LOST)

    assert f"Recall of '{label}' is 0 %" in package.rungs[0]["why"]
    assert package.numeric == "float16"


def test_nothing_is_shipped_if_no_form_reaches_the_gate(deployable, on_the_board):
    before = set(deployable.store.refs("package"))

    run = Remembering()
    with pytest.raises(GateNotMet, match=r"forgetful: Accuracy is .*gate of 80 %") as caught:
        gated(deployable, accuracy=0.8).deploy(run=run, ladder=("forgetful",), **ALL_MAY_BE_LOST)

    assert caught.value.exit_code == 4
    assert "evaluate.gate" in caught.value.remedy
    assert run.tags["package.device_sdk.verdict"] == "no package: refused"
    assert set(deployable.store.refs("package")) == before


def test_a_form_that_does_not_agree_is_no_matter_of_the_gate(deployable, on_the_board):
    with pytest.raises(AgreementNotMet, match="ruinous: "):
        gated(deployable, accuracy=0.8).deploy(ladder=("ruinous",))


def test_an_undecided_gate_still_packs_and_the_package_says_so(deployable):
    value = deployable.deploy().overall["accuracy"].value

    package = gated(deployable, accuracy=value).deploy()

    assert package.verdict == "undecided"
    assert "the true value may be below" in package.reasons[0]
    page = deployable.store.get(package.files["report.html"]).decode()
    assert 'class="card verdict doubt"' in page
    assert "<strong>Undecided</strong>" in page


def test_a_reached_gate_makes_the_package_green(deployable):
    package = gated(deployable, accuracy=0.5).deploy()

    page = deployable.store.get(package.files["report.html"]).decode()
    assert package.verdict == "ship"
    assert 'class="card verdict good"' in page


def test_without_a_gate_a_package_is_better_than_guessing_and_no_more(deployable, package):
    page = deployable.store.get(package.files["report.html"]).decode()

    assert deployable.report.gate == {}
    assert "No minimum was set" in package.reasons[0]
    assert 'class="card verdict doubt"' in page
    assert "Better than guessing; no minimum was set" in page


def test_a_gate_that_a_package_cannot_be_measured_by_is_told(deployable):
    with pytest.raises(ConfigError, match="'ap50', and that was not measured"):
        gated(deployable, ap50=0.5).deploy()


def test_mlflow_hears_what_ships_by_names_that_can_be_compared(deployable):
    run = Remembering()

    package = gated(deployable, accuracy=0.5).deploy("cloud_api", run=run)

    accuracy = package.overall["accuracy"]
    assert run.metrics["package/cloud_api/accuracy"] == accuracy.value
    assert run.metrics["package/cloud_api/accuracy_low"] == accuracy.low
    assert run.tags["package.cloud_api.verdict"] == "ship"
    assert f"n = {accuracy.n}" in run.tags["package.cloud_api.measured"]


def test_boxes_are_held_to_their_gate_as_a_package(detecting):
    found = detecting.deploy(ladder=("float32",)).overall["ap50"]

    reached = gated(detecting, ap50=round(found.low - 0.01, 3)).deploy(ladder=("float32",))
    with pytest.raises(GateNotMet, match=r"AP50 is .*below the gate of 99"):
        gated(detecting, ap50=0.999).deploy(ladder=("float32",))

    assert reached.verdict == "ship"
    assert json.loads(detecting.store.get(reached.files["measured.json"]))[0]["verdict"] == "ship"


def test_a_default_gate_of_boxes_is_called_so_by_the_package_too(detecting):
    without = gated(detecting)
    measured = without.deploy(ladder=("float32",))

    assert without.report.gate == {}
    assert "the default gate of 50 %" in measured.reasons[0]
    assert measured.reasons[-1].startswith("No minimum was set: evaluate.gate is empty")
