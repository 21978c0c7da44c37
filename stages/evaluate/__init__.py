"""The evaluate stage: predicts the test split with the trained model and reports how good it is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from stages.artifacts import Dataset, Model, Report
from stages.config import EvaluateSlice
from stages.evaluate.about import about_model
from stages.evaluate.evaluation import Evaluation
from stages.evaluate.kinds import kind_of, modality_of, unseen_of
from stages.evaluate.minimum import in_pipeline
from stages.evaluate.split_predictions import predictions
from stages.evaluate.training import Training
from stages.evaluate.trials import section_of
from stages.resources import Resources
from stages.store import Store
from stages.tracking import Run


def evaluate(
    model: Model,
    dataset: Dataset,
    config: EvaluateSlice,
    *,
    store: Store,
    run: Run,
    resources: Resources,
) -> Report:
    """Measure `model` on the test split of `dataset`. The Report is saved whatever its verdict.

    Raises DataError if there is no test split, or if model and dataset differ in their labels."""
    predicted = predictions(model, dataset, store=store, run=run, threads=resources.cores)
    kind = kind_of(model.task)
    evaluation = kind.evaluated(
        predicted,
        config.evaluate,
        tested=_tested(dataset),
        unseen=unseen_of(model, store),
        curve=_curve(model, store),
        training=Training(model, dataset, store, resources),
    )
    evaluation = _with_gate_advice(evaluation)
    page = kind.page(
        evaluation,
        about_model(model, dataset, predicted, section_of(model, config.device, store)),
        lambda row: store.get(predicted.files[row]),
        modality_of(model.task),
        config.evaluate.worst,
    )
    report = _report(evaluation, config, model, dataset, _files(store, evaluation, page))
    store.save(report)
    _log(run, evaluation, page)
    return report


def _with_gate_advice(evaluation: Evaluation) -> Evaluation:
    """`evaluation`; if the pipeline sets no gate, its first advice is to set one, unless a drop
    from held-out samples ranks before it."""
    if evaluation.minimum:
        return evaluation
    set_gate = in_pipeline(evaluation.measured.overall, evaluation.measured.labels)
    first = 1 if evaluation.dropped else 0
    before, after = evaluation.advice[:first], evaluation.advice[first:]
    return replace(evaluation, advice=(*before, set_gate, *after))


def _tested(dataset: Dataset) -> float:
    """The share of all samples that is in the test split; 1 if a person gives the test, so that
    all that they collect for it is tested."""
    if "test" in dataset.provided_splits:
        return 1.0
    sums = dataset.samples or {
        split: sum(counts.values()) for split, counts in dataset.counts.items()
    }
    return sums.get("test", 0) / max(sum(sums.values()), 1) or 1.0


def _curve(model: Model, store: Store) -> Sequence[Mapping[str, float]]:
    """The metrics of the chosen trial after each epoch; empty if they were not recorded."""
    if "trials.json" not in model.files:
        return ()
    trials = json.loads(store.get(model.files["trials.json"]))
    return next((trial.get("curve", ()) for trial in trials if trial.get("chosen")), ())


def _files(store: Store, evaluation: Evaluation, page: str) -> dict[str, str]:
    return {
        "report.html": store.add(page.encode()),
        "metrics.json": store.add(evaluation.record()),
        "predictions.json": store.add(evaluation.predicted.record()),
    }


def _report(
    evaluation: Evaluation,
    config: EvaluateSlice,
    model: Model,
    dataset: Dataset,
    files: dict[str, str],
) -> Report:
    notices = [evaluation.sure.summary] if evaluation.sure.missed else []
    comparison = evaluation.comparison
    notices += [comparison.summary] if comparison and comparison.dropped else []
    return Report(
        task=model.task,
        labels=model.labels,
        verdict=evaluation.verdict,
        reasons=(*evaluation.reasons, *notices),
        overall=evaluation.measured.overall,
        labels_measured=evaluation.measured.labels,
        threshold=evaluation.threshold,
        sure_from=evaluation.sure.least,
        gate=dict(config.evaluate.gate),
        held_out=comparison.held_out if comparison else {},
        files=files,
        parents=(model.ref, dataset.ref),
    )


def _log(run: Run, evaluation: Evaluation, page: str) -> None:
    overall = evaluation.measured.overall
    values = {name: measure.value for name, measure in overall.items()}
    values |= {f"{name}_low": measure.low for name, measure in overall.items()}
    values |= {f"{name}_high": measure.high for name, measure in overall.items()}
    comparison = evaluation.comparison
    held_out = comparison.held_out if comparison else {}
    values |= {f"held_out_{name}": measure.value for name, measure in held_out.items()}
    values |= {
        f"{metric}/{label}": each[metric].value
        for label, each in evaluation.measured.labels.items()
        for metric in ("precision", "recall", "f1")
    }
    run.log_metrics({**values, "threshold": evaluation.threshold})
    run.log_tags({"verdict": evaluation.headline, "reasons": " ".join(evaluation.reasons)})
    run.log_file("report.html", page.encode())
    run.log_file("metrics.json", evaluation.record())
