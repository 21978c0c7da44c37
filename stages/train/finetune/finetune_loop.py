"""The loop that every worker of a process group runs in fine-tuning. All workers take the same
decisions, since all see the same numbers; rank 0 saves the resume state."""

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from stages.models.arrays import pack_arrays, unpack_arrays
from stages.train.finetune.dimensions import inherited
from stages.train.finetune.finetune_fit import FinetuneFit
from stages.train.finetune.finetune_problem import FIRST_FOLD, FinetuneProblem
from stages.train.finetune.reevaluation import (
    best_of,
    chosen_of,
    reevaluation_budgets,
    retraining_budget,
)
from stages.train.finetune.request import FinetuneRequest, TrialReport, halving_of
from stages.train.finetune.resume_state import ResumeState
from stages.train.heads.head_fit import HeadsFit, Standard
from stages.train.heads.out_of_fold import arrays_of
from stages.train.search.selection import result_of
from stages.train.search.successive_halving import RungBudget, Trial, TrialResult
from stages.train.search.trial_search import score_of

if TYPE_CHECKING:
    from stages.train.distributed import TrainContext

ALL = "epochs on all samples"
FURTHER = "epochs validated on fold {fold}"


def loop(context: "TrainContext", request: FinetuneRequest) -> None:
    """Train all trials, then the chosen one once more on all samples; resume from the last
    checkpoint of `context`."""
    FinetuneLoop(context, request).run()


class FinetuneLoop:
    """The state of one worker."""

    def __init__(self, context: "TrainContext", request: FinetuneRequest) -> None:
        self.context, self.request = context, request
        self.resume_state = ResumeState.load(context.restored())
        self.halving = halving_of(request)
        self.fits: dict[int, FinetuneFit] = {}
        self.heads: dict[tuple[str, int], dict[str, Any]] = {}

    def run(self) -> None:
        """Train all trials, re-evaluate the best one, and train it on all samples if it is
        chosen."""
        metric = self.request.config.metric
        while (budget := self.halving.next()) is not None:
            result = self.resume_state.find_result(budget) or self._train_and_validate(budget)
            self.halving.report(budget, score_of(result.measures, metric), result)
            self._forget(*(trial for trial in self.halving.trials if trial.ended))
        best = best_of(self.request, self.halving.trials)
        for fold, budget in reevaluation_budgets(self.request, best):
            if not self.resume_state.find_result(budget):
                self._train_and_validate(budget, fold)
                self._forget(budget)
        chosen = chosen_of(self.request, best, self.resume_state)
        last = retraining_budget(self.request, best)
        if chosen is best and not self.resume_state.find_result(last):
            self._train_on_all(last, result_of(best))

    def _forget(self, *ended: RungBudget | Trial) -> None:
        """Drop what is held in memory of trials that will not continue."""
        for trial in ended:
            self.fits.pop(trial.number, None)
            self.resume_state.drop_fit_state(trial)

    def _train_and_validate(self, budget: RungBudget, fold: int = FIRST_FOLD) -> TrialResult:
        """Train `budget` and validate it on `fold`."""
        fit = self._fit(budget, fold)
        about = FURTHER.format(fold=fold) if fold != FIRST_FOLD else ""
        report = TrialReport(budget.number, budget.hyperparameters, budget.epochs, about=about)
        self._train(budget, fit, partial(fit.fit, patience=self.request.config.patience), report)
        return self._finished(budget, self._result(fit), report)

    def _train_on_all(self, budget: RungBudget, validated: TrialResult) -> None:
        """Train `budget` on all samples, also on those on which `validated` was measured."""
        fit = self._resumed_fit(budget, self.request.problem, self._head_of_all(budget), whole=True)
        report = TrialReport(budget.number, budget.hyperparameters, budget.epochs, about=ALL)
        self._train(budget, fit, fit.fit_all, report)
        self.resume_state.drop_fit_state(budget)
        temperature = float(unpack_arrays(validated.arrays)["temperature"])
        network = pack_arrays(fit.arrays(temperature))
        self._finished(
            budget, TrialResult({}, budget.epochs, False, list(fit.curve), network), report
        )

    def _train(
        self,
        budget: RungBudget,
        fit: FinetuneFit,
        train_to: Callable[[int], None],
        report: TrialReport,
    ) -> None:
        """Let `train_to` bring `fit` to the end of `budget`, epoch by epoch."""
        self._report(report)  # every worker has built its fit by now
        while len(fit.curve) < budget.epochs:
            train_to(len(fit.curve) + 1)
            if self.context.group.rank == 0:
                self.resume_state.add_fit_state(budget, fit.state())
            if len(fit.curve) < budget.epochs:
                self._report(replace(report, curve=fit.curve))

    def _finished(
        self, budget: RungBudget, result: TrialResult, report: TrialReport
    ) -> TrialResult:
        self.resume_state.add_result(budget, result)
        self._report(replace(report, curve=result.curve))
        return result

    def _fit(self, budget: RungBudget, fold: int) -> FinetuneFit:
        """The trial as it was left, in this process or before a restart; else a new one."""
        if budget.number not in self.fits:
            head = self._head(budget.hyperparameters["input"], fold)
            self.fits[budget.number] = self._resumed_fit(
                budget, self.request.problem.validated_on(fold), head
            )
        return self.fits[budget.number]

    def _resumed_fit(
        self,
        budget: RungBudget,
        problem: FinetuneProblem,
        head: dict[str, Any],
        whole: bool = False,
    ) -> FinetuneFit:
        """A fit for the trial of `budget`, with its saved state if there is one."""
        hyperparameters = inherited(budget.hyperparameters, problem)
        fit = FinetuneFit(problem, hyperparameters, head, self.context.group, whole)
        if fit_state := self.resume_state.fit_state(budget):
            fit.load_state(fit_state)
        return fit

    def _head_of_all(self, budget: RungBudget) -> dict[str, Any]:
        """The head that the first phase trained on all samples, for the input of `budget`."""
        return dict(self.request.problem.candidates[budget.hyperparameters["input"]].head)

    def _head(self, name: str, fold: int) -> dict[str, Any]:
        """A head for the input `name` that is trained without the samples of the validation
        fold."""
        if (name, fold) not in self.heads:
            config = self.request.config
            problem = self.request.problem.validated_on(fold).head_problem
            hyperparameters = dict(self.request.problem.candidates[name].hyperparameters)
            fit = HeadsFit(problem, Standard(problem, name), hyperparameters)
            fit.fit(config.epochs, config.patience)
            self.heads[name, fold] = fit.arrays()
        return self.heads[name, fold]

    def _result(self, fit: FinetuneFit) -> TrialResult:
        best = fit._best()
        rows, logits = fit.unseen()
        unseen = arrays_of(self.request.problem.rows[rows], logits, fit.temperature())
        return TrialResult(best.measures, best.epoch, False, list(fit.curve), pack_arrays(unseen))

    def _report(self, report: TrialReport) -> None:
        self.context.report(asdict(report), self.resume_state.save)
