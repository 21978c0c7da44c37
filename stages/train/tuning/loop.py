"""What every worker of a team does in phase two. All of them take the same decisions, since all see
the same numbers; the first one keeps the course."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from stages.models.arrays import pack_arrays, unpack_arrays
from stages.train.halving import Leg, Taught, Trial
from stages.train.heads_fit import HeadsFit, Standard
from stages.train.search import score_of
from stages.train.tuning.asked import Asked, Word, halving_of
from stages.train.tuning.course import Course
from stages.train.tuning.fit import TailFit
from stages.train.tuning.question import JUDGE
from stages.train.tuning.runoff import best_of, chosen_of, further
from stages.train.tuning.space import inherited
from stages.train.unseen import arrays_of

if TYPE_CHECKING:
    from stages.train.team import Desk

ALL = "epochs on all samples"
FURTHER = "epochs judged by fold {judge}"


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
        self.heads: dict[tuple[str, int], dict[str, Any]] = {}

    def run(self) -> None:
        metric = self.asked.train.metric
        while (leg := self.halving.next()) is not None:
            taught = self.course.known(leg) or self._taught(leg)
            self.halving.told(leg, score_of(taught.measures, metric), taught)
            self._forget(*(trial.number for trial in self.halving.trials if trial.ended))
        best = best_of(self.asked, self.halving.trials)
        for fold, leg in further(self.asked, best):
            if not self.course.known(leg):
                self._taught(leg, fold)
                self._forget(leg.number)
        chosen = chosen_of(self.asked, best, self.course)
        if chosen is best and not self.course.final:
            self.course.final = self._final(chosen)
            self._report(Word(chosen.number, chosen.hyperparameters, chosen.reached, about=ALL))

    def _forget(self, *numbers: int) -> None:
        """What is held of trials that will not go on."""
        for number in numbers:
            self.fits.pop(number, None)
            self.course.states.pop(number, None)

    def _taught(self, leg: Leg, judge: int = JUDGE) -> Taught:
        """Teach `leg`, epoch by epoch, while the fold `judge` judges."""
        fit = self._fit(leg, judge)
        about = FURTHER.format(judge=judge) if judge != JUDGE else ""
        word = Word(leg.number, leg.hyperparameters, leg.epochs, about=about)
        self._report(word)  # all have made it
        while len(fit.curve) < leg.epochs:
            fit.until(len(fit.curve) + 1, self.asked.train.patience)
            if self.desk.group.rank == 0:
                self.course.states[leg.number] = fit.state()
            if len(fit.curve) < leg.epochs:
                self._report(replace(word, curve=fit.curve))
        taught = self._result(fit)
        self.course.legs[leg.number, leg.epochs] = taught
        self._report(replace(word, curve=fit.curve))
        return taught

    def _fit(self, leg: Leg, judge: int) -> TailFit:
        """The trial as it was left, here or before a restart; else a new one."""
        fit = self.fits.get(leg.number)
        if fit is None:
            question = self.asked.question.judged_by(judge)
            hyperparameters = inherited(leg.hyperparameters, question)
            head = self._head(leg.hyperparameters["input"], judge)
            fit = TailFit(question, hyperparameters, head, self.desk.group)
            if state := self.course.states.get(leg.number):
                fit.take_up(state)
        self.fits[leg.number] = fit
        return fit

    def _head(self, name: str, judge: int) -> dict[str, Any]:
        """Phase one's head for an input, taught without the samples that judge."""
        if (name, judge) not in self.heads:
            question, train = self.asked.question.judged_by(judge), self.asked.train
            problem = question.head_problem
            hyperparameters = dict(question.finalists[name].hyperparameters)
            fit = HeadsFit(problem, Standard(problem, name), hyperparameters)
            fit.until(train.epochs, train.patience)
            self.heads[name, judge] = fit.arrays()
        return self.heads[name, judge]

    def _result(self, fit: TailFit) -> Taught:
        best = fit._best()
        rows, logits = fit.unseen()
        unseen = arrays_of(self.asked.question.rows[rows], logits, fit.temperature())
        return Taught(best.measures, best.epoch, False, list(fit.curve), pack_arrays(unseen))

    def _final(self, chosen: Trial) -> bytes:
        """The chosen recipe once more, with the samples that judged among those that teach."""
        question = self.asked.question
        taught = chosen.taught
        assert taught is not None  # noqa: S101
        hyperparameters = inherited(chosen.hyperparameters, question)
        head = dict(question.finalists[chosen.input].head)
        fit = TailFit(question, hyperparameters, head, self.desk.group, whole=True)
        word = Word(chosen.number, chosen.hyperparameters, taught.best_epoch, about=ALL)
        self._teach_all(fit, word)
        temperature = float(unpack_arrays(taught.arrays)["temperature"])
        return pack_arrays(fit.arrays(temperature))

    def _teach_all(self, fit: TailFit, word: Word) -> None:
        """Teach `word.epochs`, epoch by epoch; its state is kept as that of one more trial."""
        place = len(self.halving.trials)
        if state := self.course.states.get(place):
            fit.take_up(state)
        while len(fit.curve) < word.epochs:
            self._report(replace(word, curve=fit.curve))
            fit.teach_all(len(fit.curve) + 1)
            if self.desk.group.rank == 0:
                self.course.states[place] = fit.state()
        self.course.states.pop(place, None)

    def _report(self, word: Word) -> None:
        self.desk.report(asdict(word), self.course.save)
