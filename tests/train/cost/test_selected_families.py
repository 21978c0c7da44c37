"""Selected families: those whose weights are available, as many as the budget allows."""

from dataclasses import replace
from pathlib import Path

import pytest

from stages.config import TrainConfig
from stages.models.available_weights import sha256
from stages.parts import FAMILIES
from stages.resources import Resources
from stages.runtime.errors import BudgetTooSmall, ConfigError
from stages.train.cost.selected_families import affordable, with_weights
from stages.train.heads.head_search import Heads
from stages.train.search.search_space import inputs_of
from stages.user_weights import WeightsFolder
from tests import makers
from tests.models import stand_ins

TASK = "image_classification"
LITES = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
OWN = ("squeezenet", "pp_lcnet")


@pytest.fixture(scope="module")
def own_weights(tmp_path_factory) -> Path:
    return stand_ins.own(tmp_path_factory.mktemp("own"), *OWN)


@pytest.fixture
def resources(own_weights: Path, tmp_path: Path) -> Resources:
    return replace(makers.resources(tmp_path), weights=WeightsFolder(own_weights))


def test_by_default_all_families_with_weights_are_selected_and_their_weights_resolved(
    resources, own_weights
):
    resolved = with_weights(TASK, TrainConfig(), resources)

    assert resolved.families == (*LITES, *OWN)
    assert resolved.weights == {name: sha256(own_weights / f"{name}.npz") for name in OWN}
    assert resolved.excluded == {}
    assert with_weights(TASK, resolved, resources) == resolved


def test_a_named_family_without_weights_is_left_out_and_told(tmp_path):
    train = TrainConfig(families=("efficientnet_lite0", "pp_lcnet"))

    resolved = with_weights(TASK, train, makers.resources(tmp_path))

    assert resolved.families == ("efficientnet_lite0",)
    assert resolved.weights == {}
    assert "pp_lcnet left out: no weights available" in resolved.notices()[0]


def test_only_families_without_weights_are_an_error_that_says_how_to_give_some(tmp_path):
    with pytest.raises(ConfigError, match=r"pp_lcnet: no weights(.|\n)*AIWF_WEIGHTS.*scratch"):
        with_weights(TASK, TrainConfig(families=("pp_lcnet",)), makers.resources(tmp_path))


def test_a_family_may_be_trained_from_scratch_if_the_config_says_so(tmp_path):
    train = TrainConfig(families=("pp_lcnet",), without_weights="scratch")

    resolved = with_weights(TASK, train, makers.resources(tmp_path))

    (model_input,) = inputs_of(resolved)
    assert resolved.weights == {"pp_lcnet": "scratch"}
    assert not model_input.initialised_family.frozen
    assert model_input.initialised_family.split_points == (0,)
    assert "from scratch" in resolved.notices()[0]


def test_a_resolved_plan_stays_although_the_weights_are_gone(resources, tmp_path):
    resolved = with_weights(TASK, TrainConfig(families=("pp_lcnet",)), resources)

    assert with_weights(TASK, resolved, makers.resources(tmp_path)) == resolved


def test_other_weights_are_other_work_and_why_others_are_left_out_is_none(resources, tmp_path):
    train = TrainConfig(families=("efficientnet_lite0", "pp_lcnet"), trials=3)
    bare = makers.resources(tmp_path)
    alone = TrainConfig(families=("efficientnet_lite0",), trials=3)

    with_own, without = (with_weights(TASK, train, some) for some in (resources, bare))

    assert with_own.without_limits != with_weights(TASK, train, bare).without_limits
    assert without.without_limits == with_weights(TASK, alone, bare).without_limits


def test_a_family_whose_licence_is_a_question_takes_part_only_if_it_is_named(resources):
    open_to = with_weights("sound_classification", TrainConfig(), resources).families

    assert "yamnet" not in open_to
    assert "small_audio" in open_to  # it needs no weights


def test_a_family_that_cannot_take_the_sizes_takes_no_part(resources, own_weights):
    stand_ins.own(own_weights, "inception_v3")

    sizes = [TrainConfig(input_sizes=(size,)) for size in (64, 96)]
    selected = [with_weights(TASK, train, resources).families for train in sizes]

    assert ["inception_v3" in families for families in selected] == [False, True]


def resolve(minutes: float, **changes) -> TrainConfig:
    train = TrainConfig(families=(*LITES, *OWN), budget_minutes=minutes, **changes)
    return affordable(Heads(), train, 2000, 0, 1.0)


def test_the_dearest_are_excluded_first_until_the_rest_can_be_trained():
    cheap_first = sorted((*LITES, *OWN), key=lambda name: FAMILIES[name].cost)
    selected = [resolve(minutes).families for minutes in (1.2, 1.5, 2, 3, 60)]

    counts = [len(families) for families in selected]
    assert counts == sorted(counts)
    assert counts[0] < counts[2] < counts[-1]
    assert all(set(families) == set(cheap_first[: len(families)]) for families in selected)
    assert selected[-1] == (*LITES, *OWN)
    assert set(resolve(1.5).excluded) == {*LITES, *OWN} - set(resolve(1.5).families)


def test_larger_pictures_are_left_out_before_any_family():
    tried = (number / 10 for number in range(12, 600))
    every = len((*LITES, *OWN))
    minutes = next(number for number in tried if len(resolve(number).families) == every)

    assert not resolve(minutes).larger
    assert resolve(10 * minutes).larger


def test_a_number_of_trials_in_the_config_excludes_no_family():
    assert resolve(0.1, trials=5).families == (*LITES, *OWN)


def test_a_budget_that_allows_not_even_the_cheapest_is_told():
    with pytest.raises(BudgetTooSmall, match="budget_minutes"):
        resolve(0.1)


@pytest.mark.parametrize("clips", [300, 3000])
def test_a_network_from_scratch_does_not_starve_cheap_heads(clips: int):
    train = TrainConfig(families=("efficientnet_lite0", "small_audio"), budget_minutes=10)

    resolved = affordable(Heads(), train, clips, 1, 1.0)

    assert "efficientnet_lite0" in resolved.families
    assert (resolved.trials or 0) >= 8
    assert ("small_audio" in resolved.excluded) == (clips == 3000)
