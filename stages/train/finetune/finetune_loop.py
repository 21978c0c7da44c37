"""What every worker of a team does in phase two. All of them take the same decisions, since all see
the same numbers; the first one keeps the course."""

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from stages.models.arrays import pack_arrays, unpack_arrays
from stages.train.finetune.dimensions import inherited
from stages.train.finetune.finetune_fit import TailFit
from stages.train.finetune.finetune_problem import JUDGE, Question
from stages.train.finetune.reevaluation import anew, best_of, chosen_of, further
from stages.train.finetune.request import Asked, Word, halving_of
from stages.train.finetune.resume_state import Course
from stages.train.heads.head_fit import HeadsFit, Standard
from stages.train.heads.out_of_fold import arrays_of
from stages.train.search.selection import result_of
from stages.train.search.successive_halving import RungBudget, Trial, TrialResult
from stages.train.search.trial_search import score_of

if TYPE_CHECKING:
    from stages.train.distributed import TrainContext

ALL = "epochs on all samples"
FURTHER = "epochs judged by fold {judge}"


def loop(desk: "TrainContext", asked: Asked) -> None:
    """Teach all trials, then the chosen one once more on all samples; go on from where the desk was
    left."""
    Tuning(desk, asked).run()


class Tuning:
    """The state of one worker."""

    def __init__(self, desk: "TrainContext", asked: Asked) -> None:
        self.desk, self.asked = desk, asked
        self.course = Course.load(desk.restored())
        self.halving = halving_of(asked)
        self.fits: dict[int, TailFit] = {}
        self.heads: dict[tuple[str, int], dict[str, Any]] = {}

    def run(self) -> None:
        metric = self.asked.train.metric
        while (leg := self.halving.next()) is not None:
            taught = self.course.known(leg) or self._judged(leg)
            self.halving.report(leg, score_of(taught.measures, metric), taught)
            self._forget(*(trial for trial in self.halving.trials if trial.ended))
        best = best_of(self.asked, self.halving.trials)
        for fold, leg in further(self.asked, best):
            if not self.course.known(leg):
                self._judged(leg, fold)
                self._forget(leg)
        chosen = chosen_of(self.asked, best, self.course)
        last = anew(self.asked, best)
        if chosen is best and not self.course.known(last):
            self._last(last, result_of(best))

    def _forget(self, *ended: RungBudget | Trial) -> None:
        """What is held of trials that will not go on."""
        for one in ended:
            self.fits.pop(one.number, None)
            self.course.drop(one)

    def _judged(self, leg: RungBudget, judge: int = JUDGE) -> TrialResult:
        """Teach `leg` while the fold `judge` judges."""
        fit = self._fit(leg, judge)
        about = FURTHER.format(judge=judge) if judge != JUDGE else ""
        word = Word(leg.number, leg.hyperparameters, leg.epochs, about=about)
        self._teach(leg, fit, partial(fit.fit, patience=self.asked.train.patience), word)
        return self._finished(leg, self._result(fit), word)

    def _last(self, leg: RungBudget, judged: TrialResult) -> None:
        """Teach `leg` by all samples, with those that `judged` it among them."""
        fit = self._begun(leg, self.asked.question, self._own_head(leg), whole=True)
        word = Word(leg.number, leg.hyperparameters, leg.epochs, about=ALL)
        self._teach(leg, fit, fit.teach_all, word)
        self.course.drop(leg)
        temperature = float(unpack_arrays(judged.arrays)["temperature"])
        network = pack_arrays(fit.arrays(temperature))
        self._finished(leg, TrialResult({}, leg.epochs, False, list(fit.curve), network), word)

    def _teach(
        self, leg: RungBudget, fit: TailFit, teach: Callable[[int], None], word: Word
    ) -> None:
        """Let `teach` bring `fit` to the end of `leg`, epoch by epoch."""
        self._report(word)  # all have made it
        while len(fit.curve) < leg.epochs:
            teach(len(fit.curve) + 1)
            if self.desk.group.rank == 0:
                self.course.keep(leg, fit.state())
            if len(fit.curve) < leg.epochs:
                self._report(replace(word, curve=fit.curve))

    def _finished(self, leg: RungBudget, taught: TrialResult, word: Word) -> TrialResult:
        self.course.finish(leg, taught)
        self._report(replace(word, curve=taught.curve))
        return taught

    def _fit(self, leg: RungBudget, judge: int) -> TailFit:
        """The trial as it was left, here or before a restart; else a new one."""
        if leg.number not in self.fits:
            head = self._head(leg.hyperparameters["input"], judge)
            self.fits[leg.number] = self._begun(leg, self.asked.question.judged_by(judge), head)
        return self.fits[leg.number]

    def _begun(
        self, leg: RungBudget, question: Question, head: dict[str, Any], whole: bool = False
    ) -> TailFit:
        """The trial of `leg`, as far as it has come."""
        hyperparameters = inherited(leg.hyperparameters, question)
        fit = TailFit(question, hyperparameters, head, self.desk.group, whole)
        if state := self.course.state(leg):
            fit.take_up(state)
        return fit

    def _own_head(self, leg: RungBudget) -> dict[str, Any]:
        """Phase one's head for the input of `leg`, which all samples have taught."""
        return dict(self.asked.question.finalists[leg.hyperparameters["input"]].head)

    def _head(self, name: str, judge: int) -> dict[str, Any]:
        """Phase one's head for an input, taught without the samples that judge."""
        if (name, judge) not in self.heads:
            question, train = self.asked.question.judged_by(judge), self.asked.train
            problem = question.head_problem
            hyperparameters = dict(question.finalists[name].hyperparameters)
            fit = HeadsFit(problem, Standard(problem, name), hyperparameters)
            fit.fit(train.epochs, train.patience)
            self.heads[name, judge] = fit.arrays()
        return self.heads[name, judge]

    def _result(self, fit: TailFit) -> TrialResult:
        best = fit._best()
        rows, logits = fit.unseen()
        unseen = arrays_of(self.asked.question.rows[rows], logits, fit.temperature())
        return TrialResult(best.measures, best.epoch, False, list(fit.curve), pack_arrays(unseen))

    def _report(self, word: Word) -> None:
        self.desk.report(asdict(word), self.course.save)
