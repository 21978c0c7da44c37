"""Who teaches: the chosen trial, with the head that its backbone had before it was fine-tuned."""

from types import SimpleNamespace

import pytest

from stages.artifacts import Ref
from stages.config import TrainConfig
from stages.config.distillation import Distil, Prune
from stages.train.distillation.student_context import StudentContext
from stages.train.distillation.student_training import DISTILLED
from stages.train.distillation.teacher import teacher_of
from stages.train.finetune.finetuning import Tuned, group_name
from stages.train.search.successive_halving import Trial

CONFIG = TrainConfig(families=("efficientnet_lite0", "efficientnet_lite1"))
SMALL, LARGE = "efficientnet_lite0@224", "efficientnet_lite1@256"
DATASET = SimpleNamespace(ref=Ref("dataset", "0" * 64))


def trial(number: int, name: str, score: float, phase: int = 1) -> Trial:
    hyperparameters = {"input": name, "l2": 0.01 * (number + 1)}
    return Trial(number, hyperparameters, 5, score, True, phase=phase)


HEADS = [trial(0, SMALL, 0.7), trial(1, SMALL, 0.8), trial(2, SMALL, 0.6), trial(3, LARGE, 0.9)]
TUNED = trial(4, SMALL, 0.95, phase=2)


@pytest.mark.parametrize(("chosen", "head"), [(HEADS[0], 0), (HEADS[3], 3), (TUNED, 1)])
def test_the_head_is_the_chosen_one_or_the_best_on_the_fine_tuned_input(chosen, head):
    tuned = Tuned([*HEADS, TUNED], chosen, {})

    teacher = teacher_of(tuned, None, CONFIG, None)

    assert teacher.chosen is chosen
    assert teacher.model_input.name == chosen.input
    assert teacher.head == HEADS[head].hyperparameters


def student_group(config: TrainConfig) -> str:
    teacher = teacher_of(Tuned(HEADS, HEADS[1], {}), None, config, None)
    context = StudentContext(teacher, None, DATASET, config, None, None, None)
    return context.group(DISTILLED, "validated")


@pytest.mark.parametrize("name", [lambda config: group_name(DATASET, config), student_group])
def test_what_was_trained_is_found_again_whatever_ships(name):
    def changed(**changes) -> str:
        students = {"distil": Distil(family="small_image"), "prune": Prune(), **changes}
        return name(CONFIG.model_copy(update=students))

    before = changed()
    assert changed(distil=Distil(family="small_image", ship="never")) == before
    assert changed(prune=Prune(ship="always", most_lost=0.3)) == before
    assert changed(distil=Distil(family="small_image", weight=0.5)) != before
    assert changed(prune=Prune(share=0.5)) != before
