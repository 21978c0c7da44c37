"""What every worker of a team does in phase two. All of them take the same decisions, since all see
the same numbers; the first one keeps the course."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from stages.config import TrainConfig
from stages.models.arrays import pack_arrays, unpack_arrays
from stages.parts import SEARCHERS
from stages.train.halving import Halving, Leg, Taught, Trial, rungs_of
from stages.train.heads_fit import HeadsFit, Standard
from stages.train.search import score_of
from stages.train.selection import choose
from stages.train.space import starts
from stages.train.tuning.course import Course
from stages.train.tuning.fit import TailFit
from stages.train.tuning.question import Question
from stages.train.tuning.space import BEGIN, dimensions, inherited
from stages.train.unseen import arrays_of

if TYPE_CHECKING:
    from stages.train.team import Desk

LEAST = 3  # epochs of the first rung


@dataclass(frozen=True)
class Asked:
    """`trials`: how many there will be; `rivals`: heads of phase one, measured on the samples that
    judge; they may be chosen instead."""

    question: Question
    train: TrainConfig
    trials: int
    rivals: tuple[Trial, ...]


@dataclass(frozen=True)
class Word:
    """How far trial `number` has come of `epochs`; `whole`: it is taught all samples, for the last
    time."""

    number: int
    hyperparameters: Mapping[str, Any]
    epochs: int
    curve: Sequence[Mapping[str, float]] = ()
    whole: bool = False


def halving_of(asked: Asked) -> Halving:
    """Phase two's trials before any of them is taught."""
    train, space = asked.train, dimensions(asked.train, asked.question)
    return Halving(
        SEARCHERS[train.searcher](space, train.seed),
        starts(space, BEGIN),
        total=asked.trials,
        size=min(train.batch, asked.trials),
        keep=train.halving,
        rungs=rungs_of(asked.question.epochs, train.halving, LEAST),
    )


def loop(desk: "Desk", asked: Asked) -> None:
    """Teach all trials, then the chosen one once more on all samples; go on from where the desk was
    left."""
    Tuning(desk, asked).run()


class Tuning:
    """The state of one worker."""

    def __init__(self, desk: "Desk", asked: Asked) -> None:
        self.desk, self.asked = desk, asked
        self.course = Course.load(desk.restored())
        self.halving = halving_of(asked)
        self.fits: dict[int, TailFit] = {}
        self.heads: dict[str, dict[str, Any]] = {}

    def run(self) -> None:
        metric = self.asked.train.metric
        while (leg := self.halving.next()) is not None:
            taught = self.course.known(leg) or self._taught(leg)
            self.halving.told(leg, score_of(taught.measures, metric), taught)
            for trial in self.halving.trials:
                if trial.ended:
                    self.fits.pop(trial.number, None)
                    self.course.states.pop(trial.number, None)
        chosen = chosen_of(self.asked, self.halving.trials)
        if chosen in self.halving.trials and not self.course.final:
            self.course.final = self._final(chosen)
            self._report(Word(chosen.number, chosen.hyperparameters, chosen.reached, whole=True))

    def _taught(self, leg: Leg) -> Taught:
        """Teach `leg`, epoch by epoch."""
        fit = self._fit(leg)
        self._report(Word(leg.number, leg.hyperparameters, leg.epochs))  # all have made it
        while len(fit.curve) < leg.epochs and not fit.exhausted(self.asked.train.patience):
            fit.until(len(fit.curve) + 1, self.asked.train.patience)
            ended = len(fit.curve) >= leg.epochs or fit.exhausted(self.asked.train.patience)
            if self.desk.group.rank == 0:
                self.course.states[leg.number] = fit.state()
            if not ended:
                self._report(Word(leg.number, leg.hyperparameters, leg.epochs, fit.curve))
        taught = self._result(fit)
        self.course.legs[leg.number, leg.epochs] = taught
        self._report(Word(leg.number, leg.hyperparameters, leg.epochs, fit.curve))
        return taught

    def _fit(self, leg: Leg) -> TailFit:
        """The trial as it was left, here or before a restart; else a new one."""
        fit = self.fits.get(leg.number)
        if fit is None:
            hyperparameters = inherited(leg.hyperparameters, self.asked.question)
            head = self._head(leg.hyperparameters["input"])
            fit = TailFit(self.asked.question, hyperparameters, head, self.desk.group)
            if state := self.course.states.get(leg.number):
                fit.take_up(state)
        self.fits[leg.number] = fit
        return fit

    def _head(self, name: str) -> dict[str, Any]:
        """Phase one's head for an input, taught without the samples that judge."""
        if name not in self.heads:
            question, train = self.asked.question, self.asked.train
            problem = question.head_problem
            hyperparameters = dict(question.finalists[name].hyperparameters)
            fit = HeadsFit(problem, Standard(problem, name), hyperparameters)
            fit.until(train.epochs, train.patience)
            self.heads[name] = fit.arrays()
        return self.heads[name]

    def _result(self, fit: TailFit) -> Taught:
        best = fit._best()
        rows, logits = fit.unseen()
        unseen = arrays_of(self.asked.question.rows[rows], logits, fit.temperature())
        exhausted = fit.exhausted(self.asked.train.patience)
        return Taught(best.measures, best.epoch, exhausted, list(fit.curve), pack_arrays(unseen))

    def _final(self, chosen: Trial) -> bytes:
        """The chosen recipe once more, with the samples that judged among those that teach."""
        question = self.asked.question
        taught = chosen.taught
        assert taught is not None  # noqa: S101
        hyperparameters = inherited(chosen.hyperparameters, question)
        head = dict(question.finalists[chosen.input].head)
        fit = TailFit(question, hyperparameters, head, self.desk.group, whole=True)
        self._teach_all(fit, Word(chosen.number, chosen.hyperparameters, taught.best_epoch))
        temperature = float(unpack_arrays(taught.arrays)["temperature"])
        return pack_arrays(fit.arrays(temperature))

    def _teach_all(self, fit: TailFit, word: Word) -> None:
        """Teach `word.epochs`, epoch by epoch; its state is kept as that of one more trial."""
        place = len(self.halving.trials)
        if state := self.course.states.get(place):
            fit.take_up(state)
        while len(fit.curve) < word.epochs:
            self._report(replace(word, curve=fit.curve, whole=True))
            fit.teach_all(len(fit.curve) + 1)
            if self.desk.group.rank == 0:
                self.course.states[place] = fit.state()
        self.course.states.pop(place, None)

    def _report(self, word: Word) -> None:
        self.desk.report(asdict(word), self.course.save)


def chosen_of(asked: Asked, trials: list[Trial]) -> Trial:
    """The best of phase two's `trials` and the rivals, by phase one's rule."""
    return choose([*asked.rivals, *trials], asked.train, asked.question.problem.samples)
