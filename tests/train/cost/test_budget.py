"""A budget becomes a number of trials by counting, the same whenever it is counted."""

import pytest

from stages.config import TrainConfig
from stages.config.search_space import SearchSpace
from stages.runtime.errors import BudgetTooSmall, ConfigError
from stages.train.architecture.counted_limits import CountedLimits
from stages.train.architecture.hand_designs import hand_designs
from stages.train.cost.budget import (
    epoch_seconds,
    forward_seconds,
    teacher_input,
    trials_within,
    with_repeats_within,
)
from stages.train.search.search_space import inputs_of

LITE0 = TrainConfig(families=("efficientnet_lite0",), budget_minutes=3)


def test_more_time_and_a_faster_machine_give_more_trials():
    few = trials_within(LITE0, 4000, 1, 1.0)

    assert few < trials_within(LITE0.model_copy(update={"budget_minutes": 4}), 4000, 1, 1.0)
    assert few < trials_within(LITE0, 4000, 1, 1.5)


def test_more_samples_views_and_families_give_fewer():
    many = trials_within(LITE0, 4000, 1, 1.0)
    wider = TrainConfig(budget_minutes=4, families=("efficientnet_lite0", "efficientnet_lite1"))
    longer = LITE0.model_copy(update={"budget_minutes": 4})

    assert trials_within(LITE0, 5000, 1, 1.0) < many
    assert trials_within(LITE0, 4000, 2, 1.0) < many
    assert trials_within(wider, 4000, 1, 1.0) < trials_within(longer, 4000, 1, 1.0)


def test_answering_mirror_images_too_takes_twice_the_forward_passes():
    [plain] = inputs_of(LITE0)
    [mirrored] = inputs_of(LITE0.model_copy(update={"mirrored": True}))

    assert forward_seconds(mirrored) == 2 * forward_seconds(plain)
    assert mirrored.name == plain.name
    several = LITE0.model_copy(update={"mirrored": True, "budget_minutes": 4})
    assert trials_within(several, 6000, 1, 1.0) < trials_within(
        several.model_copy(update={"mirrored": False}), 6000, 1, 1.0
    )


def test_no_budget_buys_more_trials_than_a_search_gains_by():
    heads = LITE0.model_copy(update={"budget_minutes": 10_000})
    architectures = {"families": ("searched_image",), "architecture": "search"}

    assert trials_within(heads, 400, 1, 1.0) == 32
    assert trials_within(heads.model_copy(update=architectures), 400, 1, 1.0) == 600


def test_a_network_from_scratch_costs_more_than_a_head_and_further_views_of_it_nothing():
    heads = TrainConfig(families=("efficientnet_lite0",), budget_minutes=3)
    both = TrainConfig(families=("efficientnet_lite0", "small_audio"), budget_minutes=3)
    alone = TrainConfig(families=("small_audio",), budget_minutes=30)

    assert trials_within(both, 300, 0, 1.0) < trials_within(heads, 300, 0, 1.0)
    few = trials_within(alone, 2000, 0, 1.0)
    assert few > trials_within(alone, 4000, 0, 1.0)
    assert few - trials_within(alone, 2000, 1, 1.0) <= 1  # reading them


def test_wider_networks_from_scratch_cost_more_and_heads_do_not():
    def trials(family: str, *widths: float) -> int:
        space = SearchSpace(width=widths)
        config = TrainConfig(families=(family,), budget_minutes=30, search_space=space)
        return trials_within(config, 2000, 0, 1.0)

    plain = trials("small_audio", 1.0)
    assert plain > trials("small_audio", 1.0, 2.0) > trials("small_audio", 2.0)
    assert trials("small_audio", 2.0) == pytest.approx(plain / 4, abs=1)
    assert trials("efficientnet_lite0", 1.0) == trials("efficientnet_lite0", 2.0)


def test_a_family_with_short_windows_of_its_own_looks_at_many():
    pictures, short = (
        TrainConfig(families=(name,), budget_minutes=4) for name in ("efficientnet_lite0", "yamnet")
    )

    assert trials_within(pictures, 10_000, 0, 1.0) >= 1
    with pytest.raises(BudgetTooSmall) as caught:
        trials_within(short, 10_000, 0, 1.0)

    assert "yamnet" in str(caught.value)


def test_there_is_an_end_to_what_a_head_can_use():
    hours = LITE0.model_copy(update={"budget_minutes": 6000})

    assert trials_within(hours, 100, 0, 1.0) == trials_within(hours, 200, 0, 1.0)


def test_a_budget_too_small_says_what_would_be_enough():
    small = LITE0.model_copy(update={"budget_minutes": 0.2})

    with pytest.raises(BudgetTooSmall, match="budget_minutes to ") as caught:
        trials_within(small, 3000, 1, 1.0)

    enough = float(str(caught.value).split("budget_minutes to ")[1].split()[0])
    assert trials_within(LITE0.model_copy(update={"budget_minutes": enough}), 3000, 1, 1.0) >= 1


def test_it_loads_nothing_heavy():
    import subprocess
    import sys

    code = "import sys, stages.train.cost.budget as b; from stages.config import TrainConfig as T; "
    code += "b.trials_within(T(families=['squeezenet']), 100, 1, 1.0); print(*sys.modules)"

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    heavy = {"paddle", "ray", "mlflow", "onnxruntime", "optuna", "onnx"}
    assert not heavy & {name.partition(".")[0] for name in shown.stdout.split()}


def test_further_seeds_take_a_share_of_the_minutes_and_none_if_there_is_no_time():
    searched = TrainConfig(
        families=("searched_image",), architecture="search", architecture_seeds=4
    )

    def seeds(minutes: float, **changes) -> int:
        config = searched.model_copy(update={"budget_minutes": minutes, **changes})
        return with_repeats_within(config, 2000, 0, 1.0).architecture_seeds

    found = [seeds(minutes) for minutes in (0.1, 20, 60, 200, 10_000)]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (1, 4)
    assert seeds(0.1, architecture="off") == 4  # which has none to repeat


def test_without_a_search_networks_cost_the_mean_of_those_that_are_named():
    texts = [
        hand_designs(name, CountedLimits((3, 64, 64), 10, 1))[0].text
        for name in ("plain", "separable")
    ]
    config = TrainConfig(
        families=("searched_image",), genotypes=dict(zip("ab", texts, strict=True))
    )
    [model_input] = inputs_of(config)

    def seconds(genotype: str = "") -> float:
        return epoch_seconds(model_input, config, 2000, 0, 1.0, genotype)

    assert seconds() == pytest.approx(sum(map(seconds, texts)) / 2)
    assert seconds(texts[0]) != pytest.approx(seconds(texts[1]))


def test_the_teacher_of_a_search_has_to_be_named():
    search = {"families": ("searched_image",), "architecture": "search"}
    named, unnamed = (
        TrainConfig(**search, distil={"family": "searched_image", "teacher": teacher})
        for teacher in ("efficientnet_lite0", "auto")
    )

    assert teacher_input(named).name == "efficientnet_lite0@224"
    assert teacher_input(TrainConfig(**search)) is None
    assert teacher_input(named.model_copy(update={"architecture": "off"})) is None
    with pytest.raises(ConfigError, match="teacher is auto"):
        teacher_input(unnamed)
