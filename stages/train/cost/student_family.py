"""Selects the student's family, once, when a run is planned."""

from stages.config import TrainConfig
from stages.config.distillation import AUTO, Distil
from stages.models.available_weights import AvailableWeights, available_weights
from stages.models.family import LAST
from stages.parts import FAMILIES, TASKS
from stages.resources import Resources
from stages.runtime.errors import ConfigError
from stages.tasks import is_compatible
from stages.train.cost.distillation_budget import student_costs
from stages.train.cost.selected_families import default_families

ANOTHER_STUDENT = (
    "Provide them in AIWF_WEIGHTS, or name another family, or small_image or small_audio, which "
    "need none."
)
ANOTHER_TEACHER = "Provide them in AIWF_WEIGHTS, or name another teacher."
LAST_MAP = (
    "train.prune: heads take features of the last map alone, as the channels of inner maps that a "
    "head takes cannot be removed"
)


def with_student(task: str, config: TrainConfig, resources: Resources) -> TrainConfig:
    """`config` with the family that `train.distil` names, or the lightest of `task` for auto, and
    the digest of its initial weights; unchanged without distillation.

    Raises ConfigError if the family is not for the task, cannot be trained whole, or has no
    weights."""
    distil = config.distils
    if not distil:
        return config
    if config.architecture == "search":
        return _with_teacher(task, config, resources)
    if distil.family != AUTO:
        _check(distil.family, task)
        return _resolved(config, distil.family, resources)
    names = dict.fromkeys([*config.families, *default_families(task, config)])
    candidates = [name for name in names if FAMILIES[name].split_points and FAMILIES[name].frozen]
    for name in sorted(candidates, key=lambda name: (FAMILIES[name].cost, name)):
        try:
            return _resolved(config, name, resources)
        except ConfigError:  # the next lightest may have weights
            continue
    scratch = [name for name in FAMILIES if is_compatible(name, task) and _is_plain(name)]
    if not scratch:
        raise ConfigError(f"train.distil: no family of {task} can be a student.", "Set it to off.")
    return _resolved(config, scratch[0], resources)


def with_prunable_heads(config: TrainConfig) -> TrainConfig:
    """`config`, whose heads take features of the last map alone if the chosen network is pruned:
    channels of inner maps that a head takes cannot be removed."""
    if not config.prunes:
        return config
    space = config.search_space.model_copy(update={"feature_maps": (LAST,)})
    return config.model_copy(update={"search_space": space})


def student_notices(config: TrainConfig) -> list[str]:
    """What the minutes of students are computed from: which network will be chosen, and teach, is
    not known before the search. With pruning, what heads take."""
    costs = student_costs(config) if config.has_students else []
    teachers = dict.fromkeys(cost.teacher.name for cost in costs)
    lines = [
        f"students: minutes and epochs are planned for {name} as their teacher, the most expensive "
        "input; a cheaper one leaves minutes over"
        for name in teachers
    ]
    has_inner = any(FAMILIES[name].feature_maps for name in config.families)
    return lines + [LAST_MAP] * bool(config.prunes and has_inner)


def _with_teacher(task: str, config: TrainConfig, resources: Resources) -> TrainConfig:
    """`config`, which searches architectures, with the family of the teacher, the digest of its
    weights, and the searched family as the student's."""
    distil = config.distils
    assert distil is not None  # noqa: S101
    student = distil.model_copy(update={"family": config.families[0]})
    if distil.teacher != AUTO:
        found = _weights_of(distil.teacher, config, resources, requested=True)
        return _with_weights(config, student, distil.teacher, found, ANOTHER_TEACHER)
    plain = default_families(task, config.model_copy(update={"architecture": "off"}), ())
    names = [name for name in plain if FAMILIES[name].frozen]
    for name in sorted(names, key=lambda name: (FAMILIES[name].cost, name)):
        found = _weights_of(name, config, resources, requested=False)
        if found.weights is not None:
            named = student.model_copy(update={"teacher": name})
            return _with_weights(config, named, name, found, ANOTHER_TEACHER)
    raise ConfigError(
        f"train.distil: no weights of a family for {task} are available, which could teach the "
        "networks of the search.",
        "Provide them in AIWF_WEIGHTS, or leave out train.distil.",
    )


def _weights_of(
    name: str, config: TrainConfig, resources: Resources, *, requested: bool
) -> AvailableWeights:
    """The weights of the family `name`: those in `config`, which are resolved, or those that
    `available_weights` finds."""
    if name in config.weights:
        return AvailableWeights(config.weights[name])
    return available_weights(FAMILIES[name], resources, requested)


def _with_weights(
    config: TrainConfig, distil: Distil, name: str, found: AvailableWeights, remedy: str
) -> TrainConfig:
    """`config` with `distil`, and with the weights `found` of the family `name`, which is the
    student or the teacher of `distil`. Raises ConfigError with the `remedy` if there are none."""
    if found.weights is None:
        raise ConfigError(
            f"train.distil: no weights of {name} are available. {found.why}".strip(), remedy
        )
    own = {name: found.weights} if found.weights else {}
    all_weights = {**config.weights, **own}
    return config.model_copy(update={"distil": distil, "weights": all_weights})


def check_student(task: str, config: TrainConfig) -> None:
    """Raise ConfigError if `config` has students, and `task` or the architecture search none; and
    for a teacher without such a search."""
    distil = config.distils
    if config.architecture == "search":
        _check_searched(task, config, distil)
        return
    if distil and distil.teacher != AUTO:
        raise ConfigError(
            "train.distil.teacher is for train.architecture: elsewhere the chosen network teaches.",
            "Take it out, or set train.architecture to search.",
        )
    if not config.has_students:
        return
    if TASKS[task].trainer != "heads":
        raise ConfigError(
            f"train.distil and train.prune are not for {task}.", "Set both of them to off."
        )


def _check_searched(task: str, config: TrainConfig, distil: Distil | None) -> None:
    """Raise ConfigError for what does not go with an architecture search, whose networks are the
    students."""
    if config.prunes:
        raise ConfigError(
            "train.prune needs a chosen network with published weights, and train.architecture "
            "searches small ones.",
            "Leave one of them out.",
        )
    if distil is None:
        return
    if distil.genotype or (distil.family != AUTO and not FAMILIES[distil.family].searched):
        raise ConfigError(
            "train.distil: where the architecture is searched, its networks are the students.",
            "Take `family` and `genotype` out, or name the `teacher` alone.",
        )
    teachers = [name for name in FAMILIES if is_compatible(name, task) and FAMILIES[name].frozen]
    if distil.teacher not in (AUTO, *teachers):
        raise ConfigError(
            f"train.distil: '{distil.teacher}' cannot be the teacher of a search for {task}.",
            f"There are: {', '.join(teachers)}.",
        )


def _check(name: str, task: str) -> None:
    """Raise ConfigError if the family `name` cannot be a student of `task`."""
    family = FAMILIES[name]
    if family.from_scratch and family.takes == TASKS[task].modality:
        return
    if not is_compatible(name, task) or not family.split_points:
        students = [
            each
            for each in FAMILIES
            if (FAMILIES[each].split_points and is_compatible(each, task)) or _is_plain(each)
        ]
        raise ConfigError(
            f"train.distil: '{name}' cannot be a student of {task}.",
            f"There are: {', '.join(students)}.",
        )


def _is_plain(name: str) -> bool:
    """Whether the family `name` is trained from scratch and has an architecture of its own."""
    return FAMILIES[name].from_scratch and not FAMILIES[name].searched


def _resolved(config: TrainConfig, name: str, resources: Resources) -> TrainConfig:
    """`config` with the family `name` as the student's, and its weights. Raises ConfigError if it
    has none."""
    distil = config.distils
    assert distil is not None  # noqa: S101
    found = _weights_of(name, config, resources, requested=distil.family == name)
    named = distil.model_copy(update={"family": name})
    return _with_weights(config, named, name, found, ANOTHER_STUDENT)
