"""Phase two as the driver sees it: who is tuned, on what, by how many workers, and what came of
it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from stages.artifacts import Dataset, canonical, digest_of
from stages.config import TrainConfig
from stages.models.arrays import pack_arrays, unpack_arrays
from stages.settings import Settings
from stages.store import Store
from stages.tracking import Run
from stages.train.features import Tell, View
from stages.train.halving import Taught, Trial
from stages.train.prepared import Prepared, sight_of
from stages.train.record import Recorder
from stages.train.scores import measures
from stages.train.search import score_of
from stages.train.selection import choose, taught_of
from stages.train.sources import version_of
from stages.train.space import Input, inputs_of
from stages.train.team.shares import shards_for
from stages.train.tuning.course import Course
from stages.train.tuning.loop import Asked, Word, chosen_of, halving_of, loop
from stages.train.tuning.maps import maps_of, views_within
from stages.train.tuning.plan import tunable
from stages.train.tuning.question import JUDGE, Finalist, Question
from stages.train.windows import Windows

FAR = 4.0  # standard errors behind the best input, which is more than a tail gains
UNSEEN = ("rows", "logits", "temperature")
CODE = ("train/*.py", "train/tuning/*.py", "models/*.py")


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
    question = _question(prepared, finalists, dataset, train, store, recorder.run, settings)
    rivals = tuple(_narrowed(one, prepared, train) for one in best_of_each(trials, train, prepared))
    asked = Asked(question, train, train.finetune.trials, rivals)
    course = _taught(asked, dataset, train, recorder, len(trials), settings)
    return _joined(list(trials), asked, course)


def finalists_of(trials: Sequence[Trial], train: TrainConfig, prepared: Prepared) -> list[Trial]:
    """The best trial of each of the best inputs that can be tuned, best first; none that is FAR
    behind the best of all."""
    names = {one.name for one in tunable(train)}
    best = best_of_each(trials, train, prepared)
    least = best[0].score - FAR * _error(best[0], prepared)
    near = [one for one in best if one.score >= least and one.hyperparameters["input"] in names]
    return near[: train.finetune.finalists]


def best_of_each(trials: Sequence[Trial], train: TrainConfig, prepared: Prepared) -> list[Trial]:
    """The best of `trials` of each input, best first."""
    left, found = list(trials), []
    while left:
        found.append(choose(left, train, prepared.problem.samples))
        name = found[-1].hyperparameters["input"]
        left = [one for one in left if one.hyperparameters["input"] != name]
    return found


def _error(trial: Trial, prepared: Prepared) -> float:
    """The standard error of what `trial` is measured by: of a share, or of a mean log loss, whose
    deviation is about one."""
    share = trial.score * (1 - trial.score) if trial.score > 0 else 1.0
    return float(np.sqrt(share / prepared.problem.samples))


def _input(trial: Trial, inputs: dict[str, Input]) -> Input:
    return inputs[trial.hyperparameters["input"]]


def _question(
    prepared: Prepared,
    finalists: list[Trial],
    dataset: Dataset,
    train: TrainConfig,
    store: Store,
    run: Run,
    settings: Settings,
) -> Question:
    inputs = {one.name: one for one in inputs_of(train)}
    chosen = [_finalist(one, _input(one, inputs), settings) for one in finalists]
    digests = [prepared.views[row].digest for row in np.flatnonzero(prepared.problem.plain)]
    count = _views(chosen, dataset, train, digests, store, settings)
    views = [View(digest, number) for digest in digests for number in range(count + 1)]
    maps: dict[str, Windows] = {}
    for place, one in enumerate(chosen):

        def tell(done: int, place: int = place) -> None:
            run.progress("maps", place * len(views) + done, len(chosen) * len(views))

        maps.update(_maps(one, dataset, train, views, store, settings, tell))
    named = {one.one.name: one for one in chosen}
    shards = shards_for(train.workers)
    return Question(prepared.problem, named, maps, count, shards, train.finetune.longest)


def _finalist(trial: Trial, one: Input, settings: Settings) -> Finalist:
    made = unpack_arrays(taught_of(trial).arrays)
    head = {name: array for name, array in made.items() if name not in UNSEEN}
    published = one.begun.load(settings)
    return Finalist(one, published, head, dict(trial.hyperparameters))


def _views(
    finalists: list[Finalist],
    dataset: Dataset,
    train: TrainConfig,
    digests: Sequence[str],
    store: Store,
    settings: Settings,
) -> int:
    """As many augmented views as can be held in memory; none where nothing is augmented."""
    if not dataset.augmentations:
        return 0
    one_view = 0
    for one in finalists:
        made = _maps(one, dataset, train, [View(digests[0])], store, settings, lambda done: None)
        one_view += sum(windows.nbytes for windows in made.values())
    return views_within(train.finetune.views, len(digests), one_view)


def _maps(
    one: Finalist,
    dataset: Dataset,
    train: TrainConfig,
    views: Sequence[View],
    store: Store,
    settings: Settings,
    tell: Tell,
) -> dict[str, Windows]:
    sight, freezes = sight_of(one.one, dataset, store), train.finetune.space.freeze
    return maps_of(one.one, freezes, sight, views, store=store, settings=settings, tell=tell)


def _narrowed(trial: Trial, prepared: Prepared, train: TrainConfig) -> Trial:
    """`trial` as it is judged by the fold that judges phase two."""
    taught = taught_of(trial)
    made = unpack_arrays(taught.arrays)
    judged = prepared.problem.held[made["rows"]] == JUDGE
    rows, logits = made["rows"][judged], made["logits"][judged]
    found = measures(logits, prepared.problem.labels[rows], prepared.problem.rejected)
    narrow = replace(taught, measures=found)
    return replace(trial, taught=narrow, score=score_of(found, train.metric))


def _taught(
    asked: Asked,
    dataset: Dataset,
    train: TrainConfig,
    recorder: Recorder,
    first: int,
    settings: Settings,
) -> Course:
    """Let a team teach; `first`: the number of phase two's first trial."""
    from stages.train.team import team

    record, longest = recorder.next(asked.trials), train.finetune.longest

    def tell(told: dict[str, Any]) -> None:
        word = Word(**told)
        if word.whole:
            recorder.run.progress("epochs on all samples", len(word.curve), word.epochs)
            return
        curve, ended = word.curve, len(word.curve) >= longest
        number = first + word.number
        record.epoch(number, word.hyperparameters, len(curve), longest, curve, ended)

    folder = team(
        loop,
        asked,
        workers=train.workers,
        name=name_of(dataset, train),
        settings=settings,
        tell=tell,
    )
    return Course.load(folder)


def name_of(dataset: Dataset, train: TrainConfig) -> str:
    """Of the team: equal for equal questions, so that a second start goes on."""
    code = version_of(CODE, ("paddlepaddle", "onnxruntime", "numpy"))
    return digest_of(canonical([dataset.ref.id, train.model_dump(), code]))[:16]


def forget(dataset: Dataset, train: TrainConfig, settings: Settings) -> None:
    """Remove what phase two could be taken up from: its model is saved."""
    from stages.train.team.driving import forget as forgotten

    forgotten(name_of(dataset, train), settings)


def _joined(trials: list[Trial], asked: Asked, course: Course) -> tuple[list[Trial], Trial]:
    halving = halving_of(asked)
    while (leg := halving.next()) is not None:
        taught = course.legs[leg.number, leg.epochs]
        halving.told(leg, score_of(taught.measures, asked.train.metric), taught)
    chosen = chosen_of(asked, halving.trials)
    if chosen not in halving.trials:
        return [*trials, *_numbered(halving.trials, len(trials))], trials[chosen.number]
    final = replace(taught_of(chosen), arrays=_whole(taught_of(chosen), course.final))
    chosen.taught = final
    tuned = _numbered(halving.trials, len(trials))
    return [*trials, *tuned], tuned[chosen.number]


def _numbered(trials: list[Trial], first: int) -> list[Trial]:
    return [replace(one, number=first + one.number, phase=2) for one in trials]


def _whole(taught: Taught, final: bytes) -> bytes:
    """The network that all samples taught, with what its twin said of those it had not seen."""
    unseen = unpack_arrays(taught.arrays)
    return pack_arrays({**unpack_arrays(final), **{name: unseen[name] for name in UNSEEN}})
