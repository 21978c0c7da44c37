"""Runs the trials of fine-tuning on every worker of a process group; `finetune_loop.py` trains one
of them. All workers take the same decisions, since all see the same numbers; rank 0 saves the
resume state."""

from typing import TYPE_CHECKING, Any

from stages.models.arrays import unpack_arrays
from stages.train.finetune.finetune_loop import FinetuneFit
from stages.train.finetune.finetune_problem import FIRST_FOLD, FinetuneProblem
from stages.train.finetune.finetune_search import (
    FinetuneRequest,
    TrialReport,
    halving_of,
    inherited,
)
from stages.train.finetune.reevaluation import (
    best_of,
    chosen_of,
    reevaluate,
    reevaluation_rungs,
    retraining_rung,
)
from stages.train.finetune.resumable_training import ResumableTraining
from stages.train.heads.head_fit import fit_of
from stages.train.heads.standardised import StandardisedFeatures
from stages.train.search.selection import result_of
from stages.train.search.successive_halving import RungBudget, Trial, TrialResult
from stages.train.search.trial_search import score_of

if TYPE_CHECKING:
    from stages.train.distributed import TrainContext

# `TrialReport.purpose` of trainings that follow the search
FINAL_TRAINING = "epochs on all samples"
REEVALUATION = "epochs validated on fold {fold}"


def run_trials(context: "TrainContext", request: FinetuneRequest) -> None:
    """Train all trials, validate the best one on further folds, and train it once more on all
    samples if it is chosen and not a head of the first phase; resume from the last checkpoint of
    `context`. The last checkpoint has the results of all trainings."""
    FinetuneTrials(context, request).run()


class FinetuneTrials(ResumableTraining):
    """Fine-tuning on one worker: the resume state, and the fits and heads that it has in memory."""

    def __init__(self, context: "TrainContext", request: FinetuneRequest) -> None:
        super().__init__(context, request.problem, keep_networks=request.config.has_students)
        self.request = request
        self.halving = halving_of(request)
        self.fits: dict[int, FinetuneFit] = {}
        self.heads: dict[tuple[str, int], dict[str, Any]] = {}

    def run(self) -> None:
        """Train all trials, re-evaluate the best one, and train it on all samples if it is chosen.
        What the resume state has is not trained again."""
        metric = self.request.config.metric
        while (rung := self.halving.next()) is not None:
            result = self.resume_state.find_result(rung) or self._train_and_validate(rung)
            self.halving.report(rung, score_of(result.measures, metric), result)
            self._release(*(trial for trial in self.halving.trials if trial.ended))
        best = best_of(self.request, self.halving.trials)
        for fold, rung in reevaluation_rungs(self.request, best):
            if not self.resume_state.find_result(rung):
                self._train_and_validate(rung, fold)
                self._release(rung)
        reevaluated = reevaluate(self.request, best, self.resume_state)
        is_chosen = chosen_of(self.request, reevaluated) is reevaluated
        last = retraining_rung(self.request, reevaluated)
        if is_chosen and not self.resume_state.find_result(last):
            self._train_on_all(last, result_of(reevaluated))

    def _release(self, *ended: RungBudget | Trial) -> None:
        """Drop the fits and fit states of trials that will not continue."""
        for trial in ended:
            self.fits.pop(trial.number, None)
            self.resume_state.drop_fit_state(trial)

    def _train_and_validate(self, rung: RungBudget, fold: int = FIRST_FOLD) -> TrialResult:
        """Train the trial of `rung` up to its epochs, validated on `fold`; save and return the
        result."""
        fit = self._trial_fit(rung, fold)
        purpose = REEVALUATION.format(fold=fold) if fold != FIRST_FOLD else ""
        report = TrialReport(rung.number, rung.hyperparameters, rung.epochs, purpose=purpose)
        self.train(rung, fit, report)
        return self.finish(rung, self.validated_result(fit), report)

    def _train_on_all(self, rung: RungBudget, validated: TrialResult) -> None:
        """Train the trial of `rung` on all samples, with those on which `validated` was measured;
        save the network, at the temperature of `validated`."""
        fit = self._new_or_resumed_fit(
            rung, self.request.problem, self._mean_head(rung), on_all_samples=True
        )
        report = TrialReport(rung.number, rung.hyperparameters, rung.epochs, purpose=FINAL_TRAINING)
        self.train(rung, fit, report)
        self.resume_state.drop_fit_state(rung)
        temperature = float(unpack_arrays(validated.arrays)["temperature"])
        self.finish(rung, self.network_result(rung, fit, temperature), report)

    def _trial_fit(self, rung: RungBudget, fold: int) -> FinetuneFit:
        """The fit of the trial of `rung`: the one in memory, else one from the resume state, else a
        new one."""
        if rung.number not in self.fits:
            head = self._head_without_fold(rung.hyperparameters["input"], fold)
            self.fits[rung.number] = self._new_or_resumed_fit(
                rung, self.request.problem.validated_on(fold), head
            )
        return self.fits[rung.number]

    def _new_or_resumed_fit(
        self,
        rung: RungBudget,
        problem: FinetuneProblem,
        head: dict[str, Any],
        on_all_samples: bool = False,
    ) -> FinetuneFit:
        """A new fit of the trial of `rung` that starts from `head`, or from the trial's state if
        the resume state has one."""
        hyperparameters = inherited(rung.hyperparameters, problem)
        group = self.context.group
        fit = FinetuneFit(problem, hyperparameters, head, group, on_all_samples=on_all_samples)
        if fit_state := self.resume_state.fit_state(rung):
            fit.load_state(fit_state)
        return fit

    def _mean_head(self, rung: RungBudget) -> dict[str, Any]:
        """The mean of the heads of all folds, which the first phase trained, for the input of
        `rung`. Together they were trained on all samples."""
        return dict(self.request.problem.candidates[rung.hyperparameters["input"]].head)

    def _head_without_fold(self, name: str, fold: int) -> dict[str, Any]:
        """A head for the input `name` that is trained without the samples of the validation fold
        `fold`. Each worker trains it, with equal results."""
        if (name, fold) not in self.heads:
            config = self.request.config
            problem = self.request.problem.validated_on(fold).head_problem
            hyperparameters = dict(self.request.problem.candidates[name].hyperparameters)
            fit = fit_of(problem, StandardisedFeatures(problem, name), hyperparameters)
            fit.fit(config.epochs, config.patience)
            self.heads[name, fold] = fit.arrays()
        return self.heads[name, fold]
