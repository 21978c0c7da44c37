"""Comparing runs: what changed, and whether two makings are the same."""

from stages.artifacts import Measure, Report
from stages.runner.comparison import ELSEWHERE, Sameness, compare, compare_by_metrics, settle
from stages.runner.lock import Lock
from stages.runner.planning import flat_changes
from stages.runner.reproduce import _comparisons
from tests import makers


def report(accuracy: float, **changes: object) -> Report:
    facts = {
        "task": "image_classification",
        "labels": ("a", "b"),
        "verdict": "ship",
        "reasons": (),
        "overall": {
            "accuracy": Measure(value=accuracy, low=accuracy - 0.1, high=accuracy + 0.1, n=50)
        },
        "labels_measured": {},
        "threshold": 0.5,
    }
    return Report.model_validate({**facts, **changes})


def test_equal_ids_are_the_same():
    assert compare("evaluate", report(0.8), report(0.8)) == Sameness("evaluate", "same")


def test_metrics_within_noise_are_equivalent_and_say_where_they_part():
    comparison = compare("evaluate", report(0.80), report(0.82))

    assert (comparison.verdict, comparison.where) == ("equivalent", "overall.accuracy.value")


def test_metrics_beyond_noise_are_different():
    assert compare("evaluate", report(0.5), report(0.9)).verdict == "different"


def test_a_model_of_other_bytes_is_equivalent_if_its_report_is():
    model = Sameness("train", "different", "files.weights.npz")

    assert settle([model, Sameness("evaluate", "equivalent")])[0].verdict == "equivalent"
    assert settle([model, Sameness("evaluate", "different")])[0].verdict == "different"


def test_changes_are_told_by_dotted_key():
    old = {"a": {"b": 1, "c": 2}, "d": 3}
    new = {"a": {"b": 1, "c": 5}, "e": 4}

    assert flat_changes(old, new) == {"a.c": (2, 5), "d": (3, None), "e": (None, 4)}


def test_a_dataset_of_other_thumbnails_is_equivalent_and_one_of_other_samples_is_not(tmp_path):
    first = makers.dataset(makers.store(tmp_path))
    page = first.model_copy(update={"files": {**first.files, "page.html": "0" * 64}})
    repaged = first.model_copy(update={"files": {**first.files, "page.html": "1" * 64}})
    other = page.model_copy(update={"files": {**page.files, "manifest.csv": "2" * 64}})

    assert compare("etl", page, repaged) == Sameness("etl", "equivalent", "files.page.html")
    assert compare("etl", page, other).verdict == "different"


def test_the_lock_of_another_machine_is_enough_to_tell():
    metrics = {"evaluate.accuracy": 0.82}
    comparisons = [Sameness("etl", "different", ELSEWHERE)]

    assert compare_by_metrics("evaluate", metrics, report(0.8)).verdict == "equivalent"
    assert compare_by_metrics("evaluate", metrics, report(0.5)).verdict == "different"
    assert compare_by_metrics("evaluate", {}, report(0.8)).verdict == "different"
    assert settle([*comparisons, Sameness("evaluate", "equivalent")])[0].verdict == "equivalent"
    assert settle([*comparisons, Sameness("evaluate", "different")])[0].verdict == "different"


def test_what_another_machine_made_alike_is_the_same_without_its_store(tmp_path):
    fresh = makers.store(tmp_path)
    again = makers.dataset(fresh).ref
    lock = Lock.model_validate(
        {"run": "r", "pipeline": "p", "data": {}, "config": {}, "seeds": {}, "requirements": ""}
        | {"machine": {}, "artifacts": {"etl": again}}
    )

    assert _comparisons(lock, {"etl": again}, makers.store(tmp_path), fresh)[0].verdict == "same"
