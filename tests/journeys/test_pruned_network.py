"""A pruned network is packed in the fastest number format that agrees, by latencies that stand in
the run's lock, and comes out the same again."""

import pytest

from stages.config import parse_pipeline
from stages.etl import source
from stages.opening import open_store
from stages.runner import LogWatch, run_pipeline
from stages.runner.lock import read_lock
from stages.runner.reproduce import reproduce
from tests import makers

YAML = """
name: shapes
task: image_classification
data: shapes
etl: {splits: {train: 0.6, validation: 0.2, test: 0.2}}
train:
  families: [efficientnet_lite0]
  input_sizes: [64]
  trials: 1
  epochs: 4
  folds: 3
  growth: false
  search_space: {head: [linear]}
  finetune: {trials: 0}
  prune: {share: 0.4, epochs: 4, views: 0, ship: always}
evaluate: {gate: {accuracy: 0.2}}
deploy: {max_drop: 0.1, targets: [device_sdk], compress: auto, prefer: latency}
"""


@pytest.mark.slow
def test_a_pruned_network_ships_by_the_order_of_the_lock_and_is_reproduced(tmp_path):
    settings = makers.settings(tmp_path)
    source.add("shapes", makers.folder_of_pictures(tmp_path / "pictures", each=24), settings)

    artifacts = run_pipeline(parse_pipeline(YAML), run="first", settings=settings)

    store = open_store(settings)
    package = store.load(artifacts["deploy_device_sdk"])
    lock = read_lock(str(settings.root / "runs" / "first"), store)
    deploy = lock.config["deploy"]
    order = deploy["fastest_first"]["onnxruntime efficientnet_lite0@64"]
    agreeing = [
        rung["numeric"] for rung in package.rungs if "agreement" in rung and not rung["failures"]
    ]
    assert package.numeric == min(agreeing, key=order.index)
    assert {row["numeric"] for row in deploy["latencies"]} == {"int8", "float32"}
    before, after = store.load(artifacts["train"]).selection["pruning"]["multiply_adds"]
    assert after <= 0.6 * before
    comparisons = reproduce(lock, settings, LogWatch())
    assert {comparison.verdict for comparison in comparisons} == {"same"}
