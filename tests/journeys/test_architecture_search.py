"""From pictures to a searched network, to another point of its Pareto front, to a second pipeline
that trains what was found; each made again from its lock alone."""

import json

import pytest

from stages.cli.pick import pick
from stages.config import parse_pipeline, read_pipeline
from stages.opening import open_store
from stages.runner import LogWatch, run_pipeline
from stages.runner.lock import load_lock
from stages.runner.pick import searched_run
from stages.runner.reproduce import reproduce
from tests import makers

pytestmark = pytest.mark.slow
SEARCH = """
name: shapes
task: image_classification
data: shapes
train:
  {architecture: search, baselines: random, folds: 1, trials: 8, epochs: 3, input_sizes: 32,
   growth: false, device: {parameters: 12000}}
deploy: {max_drop: 0.5, targets: [device_sdk]}
"""
OTHER = """
name: other
task: image_classification
data: shapes
train: {families: [found@first], folds: 1, trials: 2, epochs: 2, input_sizes: 32, growth: false}
deploy: {max_drop: 0.5, targets: [device_sdk]}
"""
TASKS = {"etl", "train", "evaluate", "deploy_device_sdk"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Of a workspace in which the run `first` has searched an architecture."""
    folder = tmp_path_factory.mktemp("searched")
    found = makers.settings(folder)
    pipeline = read_pipeline(makers.quick_pipeline(folder, found, SEARCH))
    run_pipeline(pipeline, run="first", settings=found)
    return found


def verdicts_of_a_second_run(run: str, settings) -> dict[str, str]:
    """What `aiwf reproduce` says of each task of `run`, in a store that has no other run."""
    lock = load_lock(run, open_store(settings))
    return {same.task: same.verdict for same in reproduce(lock, settings, LogWatch())}


def test_a_search_is_made_again_from_its_lock_alone(settings):
    assert verdicts_of_a_second_run("first", settings) == dict.fromkeys(TASKS, "same")


def test_another_point_is_packed_without_a_search_and_reproduced(settings, monkeypatch, capsys):
    monkeypatch.setenv("AIWF_WORKSPACE", str(settings.root))
    monkeypatch.setenv("AIWF_THREADS", "1")
    found, store = searched_run("first", settings), open_store(settings)
    smaller = [point for point in found.pareto_front if not point.row.chosen]
    if not smaller:
        pytest.skip("this machine's search found one network that is smallest and best")
    limit = min(point.parameters for point in smaller)

    pick("first", parameters=limit, size_kb=200, name="second")

    lock = load_lock("second", store)
    package = store.load(lock.artifacts["deploy_device_sdk"])
    model = store.load(lock.artifacts["train"])
    point = next(point for point in found.pareto_front if point.parameters == limit)
    assert model.hyperparameters["genotype"] == point.genotype.text
    assert len(package.files["model.onnx"]) == 64
    assert len(store.get(package.files["model.onnx"])) <= 200_000
    assert "etl" not in lock.worked
    assert len(json.loads(store.get(model.files["trials.json"]))) == 1
    assert "What ships:" in capsys.readouterr().out
    assert verdicts_of_a_second_run("second", settings) == dict.fromkeys(TASKS, "same")


def test_what_was_found_is_trained_in_another_pipeline(settings):
    artifacts = run_pipeline(parse_pipeline(OTHER), run="third", settings=settings)
    store = open_store(settings)
    first = store.load(load_lock("first", store).artifacts["train"])

    model = store.load(artifacts["train"])

    assert model.hyperparameters["genotype"] == first.hyperparameters["genotype"]
    resolved = load_lock("third", store).config["train"]
    assert resolved["genotypes"] == {"found@first": first.hyperparameters["genotype"]}
    assert resolved["families"] == ["searched_image"]
    assert verdicts_of_a_second_run("third", settings) == dict.fromkeys(TASKS, "same")
