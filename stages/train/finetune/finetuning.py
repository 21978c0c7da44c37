"""Drives fine-tuning: selects the candidates, has a process group train them, and collects the
trials and the chosen one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from stages.artifacts import Dataset, canonical, digest_of
from stages.closure import code_of
from stages.config import TrainConfig
from stages.models.arrays import pack_arrays, unpack_arrays
from stages.resources import Resources
from stages.store import Store
from stages.train.architecture.repeats import chosen_network
from stages.train.cost.estimate import finetune_bytes
from stages.train.finetune.candidates import (
    best_of_each,
    candidates_of,
    measured_on_validation_folds,
)
from stages.train.finetune.finetune_problem import FIRST_FOLD
from stages.train.finetune.finetune_search import FinetuneRequest, TrialReport, halving_of
from stages.train.finetune.finetune_trials import run_trials
from stages.train.finetune.problem_builder import finetune_problem_of
from stages.train.finetune.reevaluation import (
    best_of,
    chosen_of,
    reevaluate,
    reevaluation_rungs,
    retraining_rung,
)
from stages.train.finetune.resume_state import ResumeState
from stages.train.heads.out_of_fold import predictions_in, weights_in
from stages.train.heads.prepared import Prepared
from stages.train.search.recorder import Recorder
from stages.train.search.selection import choose, result_of
from stages.train.search.successive_halving import RungBudget, Trial, TrialResult
from stages.train.search.trial_search import score_of


class Tuned(NamedTuple):
    """What fine-tuning came to: all `trials` of both phases, and the `chosen` one. `networks`: the
    chosen trial's network as it was trained without each validation fold, packed arrays by the
    fold, if it was fine-tuned and is going to be a teacher (`train.distil`, `train.prune`)."""

    trials: list[Trial]
    chosen: Trial
    networks: dict[int, bytes]


def tune(
    prepared: Prepared,
    trials: Sequence[Trial],
    dataset: Dataset,
    config: TrainConfig,
    *,
    recorder: Recorder,
    store: Store,
    resources: Resources,
) -> Tuned:
    """Fine-tune the candidates among the first phase's `trials`. Fine-tuned trials are numbered
    after the others. The arrays of a fine-tuned trial that is chosen are those of the whole
    network; the others have predictions alone.

    Without candidates, or without fine-tuning trials in `config`, it chooses among `trials`.
    Reports to `recorder` and its run. Raises InfrastructureError if workers die again and again."""
    candidates = candidates_of(trials, config, prepared)
    if not candidates:
        rule = chosen_network if config.has_repeats else choose
        return Tuned(list(trials), rule(trials, config, prepared.problem.samples), {})
    problem = finetune_problem_of(
        prepared, candidates, dataset, config, store, recorder.run, resources
    )
    baselines = tuple(
        measured_on_validation_folds(trial, prepared, config)
        for trial in best_of_each(trials, config, prepared)
    )
    request = FinetuneRequest(
        problem=problem, config=config, trials=config.finetune.trials or 0, baselines=baselines
    )
    resume_state = _train(request, dataset, config, recorder, len(trials), store, resources)
    return _collect_trials(list(trials), request, resume_state)


def _train(
    request: FinetuneRequest,
    dataset: Dataset,
    config: TrainConfig,
    recorder: Recorder,
    first: int,
    store: Store,
    resources: Resources,
) -> ResumeState:
    """Train in a process group, and report; `first`: the number of the first fine-tuned trial.
    Returns the results of all trainings."""
    from stages.train.distributed import run_distributed

    record, longest = recorder.next(request.trials), config.finetune.longest
    name, candidates = group_name(dataset, config), request.problem.candidates.values()
    each = finetune_bytes(config, [candidate.input for candidate in candidates])

    def on_report(metrics: dict[str, Any]) -> None:
        report = TrialReport(**metrics)
        if report.purpose:
            recorder.run.progress(report.purpose, len(report.curve), report.epochs)
            return
        curve, ended = report.curve, len(report.curve) >= longest
        number = first + report.number
        record.epoch(number, report.hyperparameters, len(curve), longest, curve, ended)

    folder = run_distributed(
        run_trials,
        request,
        workers=config.workers,
        name=name,
        store=store,
        resources=resources,
        on_report=on_report,
        memory=each,
    )
    return ResumeState.load(folder)


def group_name(dataset: Dataset, config: TrainConfig) -> str:
    """The name of the process group's checkpoint: equal for an equal dataset, config and code, so
    that a second start resumes the first."""
    code = code_of("stages.train").digest
    return digest_of(canonical([dataset.ref.id, config.without_shipping.model_dump(), code]))[:16]


def release_finetuning(
    dataset: Dataset, config: TrainConfig, store: Store, resources: Resources
) -> None:
    """Let the resume state of fine-tuning expire: its model is saved."""
    from stages.train.distributed import release

    release(group_name(dataset, config), store, resources)


def _collect_trials(
    trials: list[Trial], request: FinetuneRequest, resume_state: ResumeState
) -> Tuned:
    """All trials of both phases, and the chosen one, from the results in `resume_state`: it takes
    the same decisions as the workers did."""
    halving = halving_of(request)
    while (rung := halving.next()) is not None:
        result = resume_state.result(rung)
        halving.report(rung, score_of(result.measures, request.config.metric), result)
    tuned = halving.trials
    best = reevaluate(request, best_of(request, tuned), resume_state)
    chosen = chosen_of(request, best)
    is_finetuned = chosen is best
    networks = _fold_networks(request, best, resume_state) if is_finetuned else {}
    if is_finetuned:
        network = resume_state.result(retraining_rung(request, best)).arrays
        shipped = replace(result_of(best), arrays=_shipped(result_of(best), network))
        best = replace(best, result=shipped)
    tuned[best.number] = best
    tuned = _numbered(tuned, first=len(trials))
    chosen = tuned[best.number] if is_finetuned else trials[chosen.number]
    return Tuned([*trials, *tuned], chosen, networks)


def _fold_networks(
    request: FinetuneRequest, best: Trial, resume_state: ResumeState
) -> dict[int, bytes]:
    """The networks of `best` by the fold that they were not trained on; empty if no student needs
    them."""
    if not request.config.has_students:
        return {}
    rungs = {FIRST_FOLD: RungBudget(best.number, best.reached, best.hyperparameters)}
    rungs |= dict(reevaluation_rungs(request, best))
    return {
        fold: pack_arrays(weights_in(unpack_arrays(resume_state.result(rung).arrays)))
        for fold, rung in rungs.items()
    }


def _numbered(trials: list[Trial], first: int) -> list[Trial]:
    """Copies of `trials` as those of the second phase, numbered from `first`."""
    return [replace(trial, number=first + trial.number, phase=2) for trial in trials]


def _shipped(result: TrialResult, network: bytes) -> bytes:
    """The network that was trained on all samples, with the out-of-fold predictions of its
    trial."""
    return pack_arrays({**unpack_arrays(network), **predictions_in(unpack_arrays(result.arrays))})
