"""A pipeline of a detector whose deploy.chain names a classifier ships both as one package."""

import json

import pytest

from stages.artifacts import Package
from stages.config import checked, parse_pipeline
from stages.deploy.chain.parts import opened_part
from stages.opening import open_store
from stages.publish.comparing import compared
from stages.runner.chain import check_chain_labels, with_chain
from stages.runner.gc.artifacts import unreached_artifacts
from stages.runtime.errors import ConfigError, GateNotMet
from tests import makers
from tests.deploy.test_chain import FLOAT, MARGIN, Chainable, chainable, chained, workspace
from tests.deploy.test_package_gate import Remembering
from tests.runner.test_gc import aged

__all__ = ["chainable", "chained", "workspace"]  # fixtures

TEXT = "{{name: scenes, task: {task}, data: d, deploy: {{chain: {chain}}}}}"


def pipeline(chain: str, task: str = "object_detection"):
    return parse_pipeline(TEXT.format(chain=chain, task=task))


def name_of(chainable: Chainable) -> str:
    return f"package@{chainable.classifier.id}"


@pytest.fixture(scope="module")
def shipped(chainable, detecting) -> tuple[Package, Remembering]:
    run = Remembering()
    chain = {"classifier": name_of(chainable)}
    return detecting.deploy("cloud_api", run, **FLOAT, chain=chain), run


@pytest.mark.slow
def test_what_ships_is_the_chain_with_the_margin_of_the_classifiers_crops(chainable, shipped):
    package, _ = shipped
    description = json.loads(chainable.store.get(package.files["package.json"]))

    assert description["classify"]["margin"] == MARGIN
    assert package.parents[1] == chainable.classifier.package.ref
    assert package.target == "cloud_api"
    assert package.gate == {}
    detector = chainable.store.load(package.parents[0])
    assert detector.target == "cloud_api"
    assert opened_part(str(detector.ref), chainable.store).labels == chainable.detector.labels


@pytest.mark.slow
def test_the_figures_of_the_chain_are_logged_and_not_those_of_its_detector(chainable, shipped):
    package, run = shipped

    assert run.metrics["package/cloud_api/ap50"] == package.overall["ap50"].value
    assert run.metrics["package/cloud_api/micro_recall"] == package.overall["micro_recall"].value
    page = chainable.store.get(package.files["report.html"]).decode()
    assert run.files["chain.html"] == page


@pytest.mark.slow
def test_a_chain_that_reaches_the_gate_of_its_pipeline_ships_by_it(chainable):
    package = chainable.chain(gate={"micro_recall": 0.1})

    assert package.gate == {"micro_recall": 0.1}
    assert package.verdict == "ship"
    assert any("gate of 10 %" in reason for reason in package.reasons)
    page = chainable.store.get(package.files["report.html"]).decode()
    assert "No minimum was set" not in page


@pytest.mark.slow
def test_a_chain_below_the_gate_of_its_pipeline_is_no_package(chainable):
    refusing = {"recall of a label that the classifier replaces": 1.0, "micro_recall": 1.0}

    with pytest.raises(GateNotMet, match="Micro recall is"):
        chainable.chain(gate=refusing)


@pytest.mark.slow
def test_a_pipeline_whose_chain_is_refused_says_so_in_its_run(chainable, detecting, monkeypatch):
    def refuse(*about):
        raise GateNotMet("The chain misses a minimum.", "")

    run = Remembering()
    monkeypatch.setattr("stages.deploy.chain.pipeline_chain.make_chain", refuse)

    with pytest.raises(GateNotMet):
        detecting.deploy(run=run, **FLOAT, chain={"classifier": name_of(chainable)})

    assert run.tags["package.device_sdk.verdict"] == "no package: refused"
    assert run.tags["package.device_sdk.reasons"] == "The chain misses a minimum."


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ("{labels: [circle]}", "names no classifier"),
        ("{classifier: namer, margin: 5}", "at most 4"),
    ],
)
def test_a_chain_that_cannot_be_is_refused_when_the_config_is_read(chain, message):
    with pytest.raises(ConfigError, match=message):
        pipeline(chain)


@pytest.mark.parametrize(
    ("deploy", "message"),
    [
        ("targets: [cloud_api, android]", "a package for android holds one network"),
        ("second_numeric: auto", "two networks of one detector"),
    ],
)
def test_packages_that_cannot_hold_both_networks_are_refused(deploy, message):
    with pytest.raises(ConfigError, match=message):
        parse_pipeline(
            f"{{name: s, task: object_detection, data: d, deploy: {{chain: namer, {deploy}}}}}"
        )


@pytest.mark.slow
def test_the_names_are_resolved_to_ids_and_the_runs_are_needed_no_more(chainable, workspace):
    store = open_store(workspace)
    short = f"{{classifier: package@{chainable.classifier.id[:12]}, truth: scenes}}"

    resolved = with_chain(pipeline(short), store, workspace)
    again = with_chain(checked(resolved.model_dump(mode="json"), "The lock"), store, workspace)

    assert resolved.deploy.chain.classifier == name_of(chainable)
    assert resolved.deploy.chain.truth == f"dataset@{chainable.scenes.ref.id}"
    assert again == resolved
    assert with_chain(pipeline("{}"), store, workspace) == pipeline("{}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chain", "task", "message"),
    [
        ("nothing", "object_detection", "no package, run or pipeline 'nothing'"),
        ("scenes", "object_detection", "answers boxes; the second package"),
        ("scenes", "image_classification", "image_classification finds no boxes"),
        ("{classifier: CLASSIFIER, truth: dataset@ffff}", "object_detection", "names no artifact"),
    ],
)
def test_what_cannot_be_chained_is_said_before_training(chainable, workspace, chain, task, message):
    named = pipeline(chain.replace("CLASSIFIER", name_of(chainable)), task)

    with pytest.raises(ConfigError, match=message):
        with_chain(named, open_store(workspace), workspace)


def test_a_label_that_the_data_do_not_have_is_said_before_training():
    named = pipeline("{classifier: namer, labels: [circle, sqare]}")

    check_chain_labels(named, ["circle", "sqare"])
    with pytest.raises(ConfigError, match="no label 'sqare'") as refused:
        check_chain_labels(named, ["circle", "square"])
    assert "square" in refused.value.remedy


@pytest.mark.slow
def test_a_chain_without_a_figure_is_not_compared(chained, workspace):
    unmeasured = chained.model_copy(update={"overall": {}})

    found = compared(unmeasured, chained, workspace)

    assert found.verdict == ""
    assert "was not measured" in found.why


def test_gc_leaves_the_classifier_of_a_planned_chain(tmp_path):
    """Of a run that has not made its package yet."""
    settings = makers.settings(tmp_path)
    store, (packages, datasets) = open_store(settings), (("a" * 64, "b" * 64), ("c" * 64,))
    for kind, ids in (("package", packages), ("dataset", datasets)):
        for id in ids:
            store.blobs.put(f"records/{kind}/{id}", b"{}")
    chain = {"classifier": f"package@{packages[0]}", "truth": f"dataset@{datasets[0]}"}
    store.note("runs/planned", {"config": {"deploy": {"chain": chain}}})
    aged(settings)

    gone = {found.name for found in unreached_artifacts(store)}

    assert gone == {f"records/package/{packages[1]}"}
