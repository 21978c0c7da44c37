"""Makes the record of a student in a Model: what it learnt from, how it compares, whether it
ships."""

from collections.abc import Mapping
from typing import Any

from stages.config.distillation import Distil
from stages.train.cost.budget import forward_seconds
from stages.train.cost.distillation_budget import StudentCost
from stages.train.distillation.decision import Decision, decision
from stages.train.distillation.initial_students import Candidates, PrunedCandidates
from stages.train.distillation.student_context import StudentContext
from stages.train.distillation.student_problem import StudentProblem
from stages.train.heads.baselines import comparison
from stages.train.search.successive_halving import Trial


def record_of(
    context: StudentContext,
    student_problem: StudentProblem,
    candidates: Candidates,
    trial: Trial,
    alone: Trial | None,
) -> dict[str, Any]:
    """The record of a student in the Model: what it learnt from, its comparison with its teacher
    and with the same network alone, its `seconds` for a sample on one core of the reference
    machine, and whether it ships."""
    cost, metric, problem = student_problem.cost, context.config.metric, context.prepared.problem
    against_teacher = comparison(trial, context.teacher.chosen, metric, problem)
    pruning = _pruning_record(context, student_problem, candidates)
    seconds = _seconds(cost, pruning)
    lighter = is_lighter(seconds, forward_seconds(cost.teacher), pruning)
    ships, why = _decision(context, cost, against_teacher, lighter=lighter)
    record: dict[str, Any] = {
        "teacher": context.teacher.chosen.number,
        "student": trial.number,
        "input": trial.input,
        **cost.distillation.model_dump(include={"temperature", "weight", "share", "by"}),
        "epochs": trial.reached,
        "views": student_problem.finetune_problem.views,
        "unlabelled": student_problem.unlabelled,
        "against_teacher": against_teacher,
        "seconds": seconds,
        "ships": ships,
        "why": why,
        **pruning,
    }
    if alone:
        against_alone = comparison(trial, alone, metric, problem)
        record |= {"alone": alone.number, "epochs_alone": alone.reached}
        record["against_alone"] = against_alone
    return record


def _pruning_record(
    context: StudentContext, student_problem: StudentProblem, candidates: Candidates
) -> dict[str, Any]:
    """The widths of the pruned network that ships, and what it costs, before and after; empty for a
    student that is not pruned."""
    from stages.train.distillation.pruning import (
        channel_groups_of,
        compressed_bytes,
        pruning_cost,
    )

    if not isinstance(candidates, PrunedCandidates):
        return {}
    arrays, candidate = context.teacher.arrays(None), candidates(None)
    network = {f"backbone.{name}": array for name, array in candidate.published.items()}
    family = context.teacher.model_input.initialised_family
    channels = channel_groups_of(family, arrays, student_problem.window_shape)
    pruned = {**network, **candidate.head}
    cost = pruning_cost(channels, arrays, pruned)
    counts: dict[str, Any] = {"by": candidates.pruned_without(None).by}
    counts |= {"multiply_adds": list(cost.multiply_adds), "parameters": list(cost.parameters)}
    if candidates.prune.unstructured:
        return {**counts, "zip_bytes": [compressed_bytes(arrays), compressed_bytes(pruned)]}
    return {**counts, "widths": {name: list(pair) for name, pair in cost.widths.items()}}


def _decision(
    context: StudentContext, cost: StudentCost, against_teacher: Mapping[str, Any], *, lighter: bool
) -> Decision:
    """Whether the student of `cost` ships, and why. `against_teacher`: its comparison; `lighter`:
    whether it costs less."""
    over_limit = cost.teacher.name in context.config.device.excluded
    return decision(
        cost.distillation,
        against_teacher["gain"]["low"],
        context.config.metric,
        over_limit=over_limit and isinstance(cost.distillation, Distil),
        lighter=lighter,
    )


def is_lighter(seconds: float, of_teacher: float, pruning: Mapping[str, Any]) -> bool:
    """Whether a student whose network takes `seconds` costs less than its teacher: it is faster;
    where single weights were pruned, its compressed weights are smaller. `pruning`: its record."""
    if "zip_bytes" in pruning:
        before, after = pruning["zip_bytes"]
        return bool(after < before)
    return seconds < of_teacher


def _seconds(cost: StudentCost, pruning: Mapping[str, Any]) -> float:
    """Seconds of one core for a forward pass of one sample through the student of `cost`.
    `pruning`: its record. What was removed counts, and not what was asked for: the channels of some
    networks cannot be cut."""
    before, after = pruning.get("multiply_adds", (1, 1))
    return cost.forward_seconds * float(after / before)
