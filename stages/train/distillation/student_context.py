"""Holds what all students of a teacher share, and sets how each of them is trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stages.artifacts import Dataset, canonical, digest_of
from stages.closure import code_of
from stages.config import TrainConfig
from stages.config.distillation import Prune
from stages.resources import Resources
from stages.store import Store
from stages.tracking import Run
from stages.train.cost.distillation_budget import StudentCost
from stages.train.cost.estimate import student_bytes
from stages.train.distillation.initial_students import Candidates
from stages.train.distillation.student_problem import Services, StudentProblem
from stages.train.distillation.student_training import (
    ALONE,
    PRUNED,
    Student,
    StudentRequest,
    run_students,
)
from stages.train.distillation.teacher import Teacher
from stages.train.finetune.finetune_search import DEFAULTS, TrialReport
from stages.train.finetune.resume_state import ResumeState
from stages.train.heads.prepared import Prepared


@dataclass(frozen=True)
class StudentContext:
    """What all students share."""

    teacher: Teacher
    prepared: Prepared
    dataset: Dataset
    config: TrainConfig
    store: Store
    run: Run
    resources: Resources

    @property
    def services(self) -> Services:
        """Store, run and resources."""
        return Services(self.store, self.run, self.resources)

    def group(self, role: str, stage: str) -> str:
        """The name of the process group that trains students of a `role`: equal for an equal
        teacher, dataset, config and code, so that a second start resumes the first."""
        config = self.config.without_shipping.model_dump(mode="json")
        key: list[Any] = [self.dataset.ref.id, config, role, stage]
        key += [self.teacher.chosen.number, code_of("stages.train").digest]
        return digest_of(canonical(key))[:16]

    def train(
        self, student_problem: StudentProblem, students: Sequence[Student], group: str
    ) -> ResumeState:
        """Train `students` in the process group `group`; return the results."""
        from stages.train.distributed import run_distributed

        def on_report(metrics: dict[str, Any]) -> None:
            report = TrialReport(**metrics)
            self.run.progress(report.purpose, len(report.curve), report.epochs)

        folder = run_distributed(
            run_students,
            StudentRequest(student_problem.finetune_problem, tuple(students)),
            workers=self.config.workers,
            name=group,
            store=self.store,
            resources=self.resources,
            on_report=on_report,
            memory=student_bytes(self.config, student_problem.cost),
        )
        return ResumeState.load(folder)


def student_of(
    context: StudentContext,
    student_problem: StudentProblem,
    candidates: Candidates,
    role: str,
    fold: int | None,
    number: int,
    logit_temperature: float = 1.0,
) -> Student:
    """The student of `student_problem` in a `role`, validated on `fold` (None: trained on all
    samples and shipped); the other arguments as in `Student`."""
    cost = student_problem.cost
    epochs, has_teacher = cost.longest, role != ALONE
    return Student(
        number=number,
        role=role,
        candidate=candidates(fold),
        hyperparameters=hyperparameters_of(context, cost, role),
        epochs=epochs if has_teacher else _epochs_alone(student_problem),
        fold=fold,
        soft_targets=student_problem.soft_targets(fold, context.services) if has_teacher else None,
        logit_temperature=logit_temperature,
    )


def hyperparameters_of(context: StudentContext, cost: StudentCost, role: str) -> dict[str, Any]:
    """The hyperparameters of a student in a `role`: the defaults of fine-tuning, except that all
    layers of a network from scratch have one learning rate, and that a pruned network ships its
    fine-tuned weights without interpolating between them and the initial ones."""
    head = context.teacher.head
    values = {
        **DEFAULTS,
        "input": cost.model_input.name,
        "freeze": cost.freeze,
        "head": head["head"] if role == PRUNED else "linear",
        "class_balance": head["class_balance"],
        "training": role,
    }
    if not cost.model_input.initialised_family.frozen:
        values["layer_decay"] = 1.0
    if role == PRUNED:
        values |= {"interpolation": 1.0, "recalibrate": True}
        values |= cost.distillation.model_dump(include={"share", "by"})
        if isinstance(cost.distillation, Prune) and cost.distillation.unstructured:
            values["sparse"] = True
    if role != ALONE:
        settings = cost.distillation
        values |= {"teacher": cost.teacher.name, "soft_weight": settings.weight}
        values["soft_temperature"] = settings.temperature
    return values


def _epochs_alone(student_problem: StudentProblem) -> int:
    """The epochs of the same network without a teacher, which takes as long."""
    cost, problem = student_problem.cost, student_problem.finetune_problem
    return cost.epochs_alone(
        len(problem.rows), cost.longest, problem.views, student_problem.unlabelled
    )
