"""Phase two as the driver sees it: who is tuned, on what, by how many workers, and what came of
it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from stages.artifacts import Dataset, canonical, digest_of
from stages.closure import code_of
from stages.config import TrainConfig
from stages.models.arrays import pack_arrays, unpack_arrays
from stages.settings import Settings
from stages.store import Store
from stages.train.cost.estimate import finetune_bytes
from stages.train.finetune.candidates import best_of_each, finalists_of, narrowed
from stages.train.finetune.finetune_loop import loop
from stages.train.finetune.problem_builder import question_of
from stages.train.finetune.reevaluation import anew, best_of, chosen_of
from stages.train.finetune.request import Asked, Word, halving_of
from stages.train.finetune.resume_state import Course
from stages.train.heads.out_of_fold import only
from stages.train.heads.prepared import Prepared
from stages.train.search.recorder import Recorder
from stages.train.search.selection import choose, result_of
from stages.train.search.successive_halving import Trial, TrialResult
from stages.train.search.trial_search import score_of


def tune(
    prepared: Prepared,
    trials: Sequence[Trial],
    dataset: Dataset,
    train: TrainConfig,
    *,
    recorder: Recorder,
    store: Store,
    settings: Settings,
) -> tuple[list[Trial], Trial]:
    """Fine-tune the finalists among phase one's `trials`; all trials of both phases, and the chosen
    one. Those of phase two are numbered on, and their network is whole."""
    finalists = finalists_of(trials, train, prepared)
    if not finalists or not train.finetune.trials:
        return list(trials), choose(trials, train, prepared.problem.samples)
    question = question_of(prepared, finalists, dataset, train, store, recorder.run, settings)
    rivals = tuple(narrowed(one, prepared, train) for one in best_of_each(trials, train, prepared))
    asked = Asked(question, train, train.finetune.trials, rivals)
    course = _taught(asked, dataset, train, recorder, len(trials), settings)
    return _joined(list(trials), asked, course)


def _taught(
    asked: Asked,
    dataset: Dataset,
    train: TrainConfig,
    recorder: Recorder,
    first: int,
    settings: Settings,
) -> Course:
    """Let a team teach; `first`: the number of phase two's first trial."""
    from stages.train.distributed import run_distributed

    record, longest = recorder.next(asked.trials), train.finetune.longest
    name, inputs = name_of(dataset, train), asked.question.finalists.values()
    each = finetune_bytes(train, [one.one for one in inputs])

    def tell(told: dict[str, Any]) -> None:
        word = Word(**told)
        if word.about:
            recorder.run.progress(word.about, len(word.curve), word.epochs)
            return
        curve, ended = word.curve, len(word.curve) >= longest
        number = first + word.number
        record.epoch(number, word.hyperparameters, len(curve), longest, curve, ended)

    folder = run_distributed(
        loop,
        asked,
        workers=train.workers,
        name=name,
        settings=settings,
        on_report=tell,
        memory=each,
    )
    return Course.load(folder)


def name_of(dataset: Dataset, train: TrainConfig) -> str:
    """Of the team: equal for equal questions, so that a second start goes on."""
    code = code_of("stages.train").digest
    return digest_of(canonical([dataset.ref.id, train.model_dump(), code]))[:16]


def saved(dataset: Dataset, train: TrainConfig, settings: Settings) -> None:
    """The model that came of phase two is saved: soon nobody will take that up."""
    from stages.train.distributed import release

    release(name_of(dataset, train), settings)


def _joined(trials: list[Trial], asked: Asked, course: Course) -> tuple[list[Trial], Trial]:
    halving = halving_of(asked)
    while (leg := halving.next()) is not None:
        taught = course.brought(leg)
        halving.report(leg, score_of(taught.measures, asked.train.metric), taught)
    best = best_of(asked, halving.trials)
    chosen = chosen_of(asked, best, course)
    if chosen is not best:
        return [*trials, *_numbered(halving.trials, len(trials))], trials[chosen.number]
    network = course.brought(anew(asked, chosen)).arrays
    chosen.result = replace(result_of(chosen), arrays=_shipped(result_of(chosen), network))
    tuned = _numbered(halving.trials, len(trials))
    return [*trials, *tuned], tuned[chosen.number]


def _numbered(trials: list[Trial], first: int) -> list[Trial]:
    return [replace(one, number=first + one.number, phase=2) for one in trials]


def _shipped(taught: TrialResult, network: bytes) -> bytes:
    """The network that all samples taught, with what its twin said of those it had not seen."""
    return pack_arrays({**unpack_arrays(network), **only(unpack_arrays(taught.arrays))})
