"""Groups in the report: intervals are over them, they are counted and asked for."""

from dataclasses import replace

import numpy as np
import pytest

from stages.config import EvaluateConfig
from stages.etl.manifest import Sample
from stages.evaluate.boxes import Boxes
from stages.evaluate.labels import Labels
from stages.evaluate.needed import Needed, samples_of_a_group
from stages.evaluate.predictions import Predicted, groups_of, read_predicted
from tests.evaluate import boxed
from tests.evaluate.test_held_out import page_of, predicted
from tests.metrics.worlds import world

CONFIG = EvaluateConfig(gate={"accuracy": 0.85})


def spoken(speakers, n=240, right=0.9):
    return predicted(right, n=n, groups=tuple(f"group:{row % speakers}" for row in range(n)))


def advice(case, tested=1.0):
    return Labels().evaluated(case, CONFIG, tested=tested).advice


def test_a_gate_that_many_clips_reach_is_not_reached_by_one_speaker():
    alone = Labels().evaluated(predicted(0.95, n=500), CONFIG)
    anna = Labels().evaluated(spoken(1, n=500, right=0.95), CONFIG)

    assert (alone.verdict, anna.verdict) == ("ship", "undecided")
    assert anna.measured.overall["accuracy"].value == alone.measured.overall["accuracy"].value


def test_more_groups_are_asked_for_not_more_clips_of_the_same():
    lines = advice(spoken(6))

    assert any("more groups (such as speakers or objects)" in line for line in lines)
    assert not any("group" in line for line in advice(predicted(0.9)))


def test_near_duplicates_widen_intervals_and_are_no_groups_to_ask_for():
    twins = predicted(0.9, groups=tuple(f"{row // 4:064}" for row in range(240)))
    plain, grouped = (Labels().evaluated(case, CONFIG) for case in (predicted(0.9), twins))

    before, after = (found.measured.overall["accuracy"] for found in (plain, grouped))
    assert after.high - after.low > before.high - before.low - 1e-9
    assert twins.named_groups == 0
    assert not any("more group" in line for line in grouped.advice)


def test_the_page_says_from_how_many_groups_the_test_comes():
    assert "that they come from 6 groups" in page_of(Labels().evaluated(spoken(6), CONFIG))
    assert "they come from" not in page_of(Labels().evaluated(predicted(0.9), CONFIG))


def test_boxes_of_one_scene_are_judged_over_groups():
    truth, answers = world(1, 60, 2, finds=0.95)
    case = boxed.predicted(truth, answers)
    scenes = Predicted(
        *(case.labels, case.names, case.files, truth, answers),
        groups=tuple(f"group:{row % 3}" for row in range(60)),
    )
    alone, grouped = (
        Boxes().evaluated(predictions, EvaluateConfig()) for predictions in (case, scenes)
    )

    before, after = (found.measured.overall["ap50"] for found in (alone, grouped))
    assert after.value == before.value
    assert after.low < before.low


def test_thresholds_and_sure_answers_are_over_groups_too():
    plain, grouped = (Labels().evaluated(case, CONFIG) for case in (predicted(0.9), spoken(2)))

    assert grouped.thresholds[0].precision.low < plain.thresholds[0].precision.low - 0.1
    assert grouped.sure.right.value == plain.sure.right.value


def test_groups_are_kept_with_the_predictions_where_there_are_any():
    for case in (spoken(4), predicted(0.9)):
        assert read_predicted(case.record()).groups == case.groups
    assert b"groups" not in predicted(0.9).record()


@pytest.mark.parametrize(
    ("keys", "groups"),
    [
        (["1", "2"], ()),
        (["1", "1"], ("1", "1")),
        (["group:anna", "2"], ("group:anna", "2")),
        (["", ""], ()),
    ],
)
def test_samples_alone_are_no_groups(keys, groups):
    samples = [Sample(f"{row}.png", f"d{row}", group=key) for row, key in enumerate(keys)]

    assert groups_of(samples) == groups


def test_clips_are_turned_into_groups_of_the_label_that_is_asked_for():
    labels = [{"a"}] * 20 + [{"b"}] * 10
    groups = [f"group:{row // 10}" for row in range(30)]
    sizes = samples_of_a_group(groups, labels)

    assert sizes == {"": 10.0, "a": 10.0, "b": 10.0}
    assert Needed("clip", 1.0, grouped=sizes).to_collect(35, "a").startswith("4 more groups")
    assert Needed("clip", 1.0).to_collect(35, "a") == "35 more clips"
    assert samples_of_a_group((), labels) == {}


def test_the_more_clips_a_test_needs_the_wider_its_intervals_are():
    keys = np.repeat(np.arange(6), 40)
    case = predicted(0.9, groups=tuple(f"group:{key}" for key in keys))
    needed = Needed("clip", 1.0, grouped={"": 40.0})
    accuracy = Labels().measured(case, 0.0).overall["accuracy"]

    assert needed.to_narrow(accuracy, 0.05) > Needed("clip", 1.0).to_narrow(accuracy, 0.05)


@pytest.mark.parametrize(("speakers", "text"), [(1, "1 group,"), (4, "4 groups,"), (5, "")])
def test_a_test_of_few_groups_is_told(speakers, text):
    lines = [line for line in advice(spoken(speakers)) if "come from only" in line]

    assert bool(lines) == bool(text)
    assert all(text in line and "test on more groups" in line for line in lines)


def test_boxes_of_few_scenes_are_told():
    truth, answers = world(1, 30, 2, finds=0.95)
    case = boxed.predicted(truth, answers)
    scenes = replace(case, groups=("group:yard",) * 30)

    found = Boxes().evaluated(scenes, EvaluateConfig())

    assert any("30 test photos come from only 1 group" in line for line in found.advice)
