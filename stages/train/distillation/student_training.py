"""Trains students on every worker of a process group, one after the other, by the loop of
fine-tuning (`finetune/finetune_loop.py`)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from stages.train.distillation.soft_targets import SoftTargets
from stages.train.finetune.finetune_loop import FinetuneFit
from stages.train.finetune.finetune_problem import FinetuneCandidate, FinetuneProblem
from stages.train.finetune.finetune_search import TrialReport
from stages.train.finetune.resumable_training import ResumableTraining
from stages.train.search.successive_halving import RungBudget, TrialResult

if TYPE_CHECKING:
    from stages.train.distributed import TrainContext

DISTILLED, ALONE, PRUNED = "distilled", "alone", "pruned"  # what a student is


@dataclass(frozen=True)
class Student:
    """A network to be trained. `number`: of its result in the resume state; `role`: DISTILLED,
    ALONE (the same network without a teacher) or PRUNED; `candidate`: its initial weights and head;
    `soft_targets`: the teacher's answers.

    `fold`: on which it is validated, and not trained; None: it is trained on all samples and ships,
    with its logits over `logit_temperature`."""

    number: int
    role: str
    candidate: FinetuneCandidate
    hyperparameters: Mapping[str, Any]
    epochs: int
    fold: int | None
    soft_targets: SoftTargets | None = None
    logit_temperature: float = 1.0

    @property
    def rung(self) -> RungBudget:
        """The rung budget by which the resume state knows its training."""
        return RungBudget(self.number, self.epochs, dict(self.hyperparameters))

    @property
    def purpose(self) -> str:
        """What is trained, in words."""
        on = "on all samples" if self.fold is None else f"validated on fold {self.fold}"
        return f"epochs of the {self.role} network {on}"


@dataclass(frozen=True)
class StudentRequest:
    """What all workers of the group share. `problem`: its candidates are those of `students`."""

    problem: FinetuneProblem
    students: tuple[Student, ...]


def run_students(context: "TrainContext", request: StudentRequest) -> None:
    """Train all students; resume from the last checkpoint of `context`."""
    StudentTraining(context, request).run()


class StudentTraining(ResumableTraining):
    """The training of students on one worker."""

    def __init__(self, context: "TrainContext", request: StudentRequest) -> None:
        super().__init__(context, request.problem)
        self.students = request.students

    def run(self) -> None:
        """Train all students. What the resume state has is not trained again."""
        for student in self.students:
            if not self.resume_state.find_result(student.rung):
                self._train(student)

    def _train(self, student: Student) -> None:
        fit, rung = self._fit(student), student.rung
        report = TrialReport(
            rung.number, rung.hyperparameters, rung.epochs, purpose=student.purpose
        )
        self.train(rung, fit, report)
        self.resume_state.drop_fit_state(rung)
        self.finish(rung, self._result(student, fit), report)

    def _result(self, student: Student, fit: FinetuneFit) -> TrialResult:
        if student.fold is None:
            return self.network_result(student.rung, fit, student.logit_temperature)
        return self.validated_result(fit)

    def _fit(self, student: Student) -> FinetuneFit:
        """A new fit of `student`, or one from the resume state."""
        candidates = {student.candidate.input.name: student.candidate}
        problem = replace(self.finetune_problem, candidates=candidates, epochs=student.epochs)
        fit = FinetuneFit(
            problem if student.fold is None else problem.validated_on(student.fold),
            dict(student.hyperparameters),
            dict(student.candidate.head),
            self.context.group,
            on_all_samples=student.fold is None,
            soft_targets=student.soft_targets,
        )
        if fit_state := self.resume_state.fit_state(student.rung):
            fit.load_state(fit_state)
        return fit
