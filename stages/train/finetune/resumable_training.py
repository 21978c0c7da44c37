"""Trains fits on every worker of a process group, one after the other, so that a start after a kill
resumes: the resume state is saved with each report."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from stages.models.arrays import pack_arrays
from stages.train.finetune.finetune_loop import FinetuneFit
from stages.train.finetune.finetune_problem import FinetuneProblem
from stages.train.finetune.finetune_search import TrialReport
from stages.train.finetune.resume_state import ResumeState
from stages.train.heads.out_of_fold import prediction_arrays
from stages.train.search.successive_halving import RungBudget, TrialResult

if TYPE_CHECKING:
    from stages.train.distributed import TrainContext


class ResumableTraining:
    """The trainings of one worker, in `context`, and their resume state. `problem`: whose samples
    they train on; `keep_networks`: whether a validated result has the network, too, and not the
    predictions alone."""

    def __init__(
        self, context: "TrainContext", problem: FinetuneProblem, keep_networks: bool = False
    ) -> None:
        self.context, self.finetune_problem = context, problem
        self.keep_networks = keep_networks
        self.resume_state = ResumeState.load(context.restored())

    def train(self, rung: RungBudget, fit: FinetuneFit, report: TrialReport) -> None:
        """Train `fit` up to the epochs of `rung`. Reports, and saves a checkpoint, before the first
        epoch and after each but the last, which is reported with the result."""
        self.report(report)  # a barrier: all workers have built their fits before the first sum
        while len(fit.curve) < rung.epochs:
            fit.fit(len(fit.curve) + 1)
            if self.context.group.rank == 0:
                self.resume_state.add_fit_state(rung, fit.state())
            if len(fit.curve) < rung.epochs:
                self.report(replace(report, curve=fit.curve))

    def finish(self, rung: RungBudget, result: TrialResult, report: TrialReport) -> TrialResult:
        """Add the `result` of `rung` to the resume state and report it; return it."""
        self.resume_state.add_result(rung, result)
        self.report(replace(report, curve=result.curve))
        return result

    def validated_result(self, fit: FinetuneFit) -> TrialResult:
        """The result of `fit` after its last epoch. Its arrays are the out-of-fold predictions; the
        weights that ship are those of the final training."""
        best = fit.best_or_raise()
        rows, logits = fit.out_of_fold_logits()
        arrays = prediction_arrays(self.finetune_problem.rows[rows], logits, fit.temperature())
        if self.keep_networks and len(fit.curve) == fit.finetune_problem.epochs:
            arrays |= fit.arrays()
        return TrialResult(
            measures=best.measures,
            best_epoch=best.epoch,
            exhausted=False,
            curve=list(fit.curve),
            arrays=pack_arrays(arrays),
        )

    def network_result(self, rung: RungBudget, fit: FinetuneFit, temperature: float) -> TrialResult:
        """The result of `fit`, trained on all samples up to the epochs of `rung`: its network, with
        logits over `temperature`."""
        return TrialResult(
            measures={},
            best_epoch=rung.epochs,
            exhausted=False,
            curve=list(fit.curve),
            arrays=pack_arrays(fit.arrays(temperature)),
        )

    def report(self, report: TrialReport) -> None:
        """Report, and save the resume state as the checkpoint. Every worker calls it: a barrier."""
        self.context.report(asdict(report), self.resume_state.save)
