"""Drives distillation and pruning: the chosen network is the teacher, students are trained and
compared with it on the same held-out samples, and one may be shipped in its place."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from stages.artifacts import Dataset
from stages.config import TrainConfig
from stages.config.distillation import Distil
from stages.models.arrays import pack_arrays, unpack_arrays
from stages.resources import Resources
from stages.store import Store
from stages.tracking import Run
from stages.train.cost.distillation_budget import StudentCost, distilled, pruned
from stages.train.distillation.initial_students import Candidates, candidates_of
from stages.train.distillation.student_context import StudentContext, student_of
from stages.train.distillation.student_problem import StudentProblem, student_problem_of
from stages.train.distillation.student_record import record_of
from stages.train.distillation.student_training import ALONE, DISTILLED, PRUNED, Student
from stages.train.distillation.teacher import teacher_of
from stages.train.finetune.finetuning import Tuned
from stages.train.finetune.reevaluation import join_folds
from stages.train.finetune.resume_state import ResumeState
from stages.train.heads.out_of_fold import predictions_in
from stages.train.heads.prepared import Prepared, preprocessing_of
from stages.train.search.search_space import learner_of
from stages.train.search.selection import result_of
from stages.train.search.successive_halving import Trial
from stages.train.search.trial_search import score_of

PHASE = 3  # of trials that are students
SCRATCH = "the chosen network is trained from scratch: nothing lighter would learn from it"
INNER_FEATURES = "the head takes features of inner maps, which are not cut"
SAME = "the chosen network is of the student's family and size"


class StudentResults(NamedTuple):
    """What came of the students: all `trials`, with theirs behind the others; the `chosen` one, the
    teacher or a student; `record`: for the Model, empty without students; `shapes`: of a window of
    each student's input; `groups`: names of the process groups that trained them."""

    trials: list[Trial]
    chosen: Trial
    record: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]
    groups: list[str]


class ValidatedStudent(NamedTuple):
    """A student that was validated: its `trial`, that of the same network `alone`, if there is one,
    and what it needs to be trained on all samples."""

    student_problem: StudentProblem
    candidates: Candidates
    trial: Trial
    alone: Trial | None
    record: dict[str, Any]


def train_students(
    tuned: Tuned,
    prepared: Prepared,
    dataset: Dataset,
    config: TrainConfig,
    *,
    store: Store,
    run: Run,
    resources: Resources,
) -> StudentResults:
    """Train the students that `config` names with the chosen trial of `tuned` as their teacher, and
    choose one of them if it may be shipped. Without students nothing changes.

    Raises InfrastructureError if workers die again and again, and what exporting a network and
    computing features raise."""
    if not config.has_students:
        return StudentResults(tuned.trials, tuned.chosen, {}, {}, [])
    teacher = teacher_of(tuned, prepared, config, resources)
    context = StudentContext(teacher, prepared, dataset, config, store, run, resources)
    trials, record = list(tuned.trials), dict[str, Any]()
    validated: list[ValidatedStudent] = []
    for role, cost in _costs(context).items():
        if why := _why_not(context, cost):
            record[_key(role)] = {"why_not": why}
            continue
        student = _validate(context, cost, role, first=len(trials))
        trials += [trial for trial in (student.trial, student.alone) if trial]
        record[_key(role)] = student.record
        validated.append(student)
    roles = [str(student.trial.hyperparameters["training"]) for student in validated]
    chosen = _shipped_trial(context, validated, trials)
    shapes = {each.trial.input: _shape(context, each.student_problem.cost) for each in validated}
    groups = [context.group(role, stage) for role in roles for stage in ("validated", "shipped")]
    return StudentResults(trials, chosen, record, shapes, groups)


def release_students(results: StudentResults, store: Store, resources: Resources) -> None:
    """Let the resume states of students expire: the model is saved."""
    from stages.train.distributed import release

    for group in results.groups:
        release(group, store, resources)


def _costs(context: StudentContext) -> dict[str, StudentCost]:
    """The students of the config by role."""
    config, teacher = context.config, context.teacher.model_input
    costs = {DISTILLED: distilled(config, config.distils, teacher)} if config.distils else {}
    return costs | ({PRUNED: pruned(config.prunes, teacher)} if config.prunes else {})


def _key(role: str) -> str:
    """The name of a role's record in a Model's `selection`."""
    return {DISTILLED: "distillation", PRUNED: "pruning"}[role]


def _why_not(context: StudentContext, cost: StudentCost) -> str:
    """Why the student of `cost` cannot learn from the teacher; empty if it can."""
    chosen, student = context.teacher.chosen, cost.model_input
    if learner_of(context.config)(chosen.hyperparameters) == "scratch":
        return SCRATCH
    if isinstance(cost.distillation, Distil):
        return SAME if student.name == cost.teacher.name else ""
    features = context.teacher.model_input.initialised_family.features
    head = context.teacher.arrays(None)
    first = head.get("head.hidden.weight", head["head.out.weight"])
    return "" if first.shape[0] == features else INNER_FEATURES


def _validate(
    context: StudentContext, cost: StudentCost, role: str, first: int
) -> ValidatedStudent:
    """Train the student of `cost`, and the same network alone if that is compared, without each
    validation fold. `first`: the number of the first trial."""
    about, config = (context.prepared, context.dataset), context.config
    student_problem = student_problem_of(cost, context.teacher, *about, config, context.services)
    candidates = candidates_of(student_problem, context.prepared, config, context.services)
    folds = range(context.config.validation_folds)
    students = [
        student_of(context, student_problem, candidates, role, fold, fold) for fold in folds
    ]
    if cost.alone:
        students += [
            student_of(context, student_problem, candidates, ALONE, fold, len(folds) + fold)
            for fold in folds
        ]
    state = context.train(student_problem, students, context.group(role, "validated"))
    trial = _trial(context, state, students[: len(folds)], first)
    alone = _trial(context, state, students[len(folds) :], first + 1) if cost.alone else None
    return ValidatedStudent(
        student_problem,
        candidates,
        trial,
        alone,
        record_of(context, student_problem, candidates, trial, alone),
    )


def _trial(
    context: StudentContext, state: ResumeState, students: Sequence[Student], number: int
) -> Trial:
    """The trial of `students`, which differ in their validation fold alone."""
    parts = [state.result(student.rung) for student in students]
    result = join_folds(parts, context.prepared.problem)
    return Trial(
        number=number,
        hyperparameters=dict(students[0].hyperparameters),
        reached=students[0].epochs,
        score=score_of(result.measures, context.config.metric),
        ended=True,
        result=result,
        phase=PHASE,
    )


def cheapest_shipping(validated: Sequence[ValidatedStudent]) -> ValidatedStudent | None:
    """The student of those that may ship that answers in the least time; the records of the others
    say so. None if none may."""
    shipping = [student for student in validated if student.record["ships"]]
    student = min(shipping, key=lambda each: each.record["seconds"], default=None)
    for other in shipping:
        if other is not student:
            other.record.update(ships=False, why="a cheaper student ships")
    return student


def _shipped_trial(
    context: StudentContext, validated: Sequence[ValidatedStudent], trials: list[Trial]
) -> Trial:
    """The trial that ships: the cheapest student that may, trained on all samples, which then
    stands among `trials`; else the teacher."""
    student = cheapest_shipping(validated)
    if student is None:
        return context.teacher.chosen
    trial, student_problem = student.trial, student.student_problem
    role = str(trial.hyperparameters["training"])
    predictions = predictions_in(unpack_arrays(result_of(trial).arrays))
    temperature = float(predictions["temperature"])
    last = student_of(context, student_problem, student.candidates, role, None, 0, temperature)
    state = context.train(student_problem, [last], context.group(role, "shipped"))
    network = unpack_arrays(state.result(last.rung).arrays)
    shipped = replace(result_of(trial), arrays=pack_arrays({**network, **predictions}))
    trials[trial.number] = replace(trial, result=shipped)
    return trials[trial.number]


def _shape(context: StudentContext, cost: StudentCost) -> tuple[int, ...]:
    preprocessing = preprocessing_of(cost.model_input, context.dataset, context.store)
    return tuple(preprocessing.windows(context.prepared.views[0]).shape[1:])
