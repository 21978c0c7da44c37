"""`train.other` is a word or a table; YAML's own reading of on and off is understood."""

import pytest
import yaml
from pydantic import ValidationError

from stages.config import PipelineConfig, TrainConfig
from stages.runtime.errors import ConfigError
from stages.train.cost.compatibility import check_compatibility
from stages.train.heads.head_search import Heads
from stages.train.ood import labels_of, other_of, with_negatives
from tests import makers

NONE = {"trials": 0}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("off", None),
        ("'off'", None),
        ("on", 0.05),
        ("auto", 0.05),
        ("{false_accepts: 0.2}", 0.2),
    ],
)
def test_off_and_auto_are_words_in_yaml(text: str, wanted: float | None):
    rejects = TrainConfig.model_validate(yaml.safe_load(f"other: {text}")).rejects

    assert (rejects and rejects.false_accepts) == wanted


@pytest.mark.parametrize("text", ["sometimes", "{false_accepts: 0}", "{false: 1}", "3"])
def test_what_it_is_not_is_refused(text: str):
    with pytest.raises(ValidationError):
        TrainConfig.model_validate(yaml.safe_load(f"other: {text}"))


def test_other_is_the_last_label_unless_a_person_has_it(tmp_path):
    dataset = makers.dataset(makers.store(tmp_path))
    theirs = dataset.model_copy(update={"labels": ("cat", "other", "zebra")})
    auto, off = TrainConfig(other="auto"), TrainConfig(other="off")

    assert labels_of(dataset, auto) == (*dataset.labels, "other")
    assert other_of(dataset, auto) == len(dataset.labels)
    assert (labels_of(theirs, auto), other_of(theirs, auto)) == (theirs.labels, 1)
    assert (labels_of(theirs, off), other_of(theirs, off)) == (theirs.labels, None)


def test_boxes_have_no_use_for_it():
    pipeline = {
        "name": "one",
        "task": "object_detection",
        "data": "one",
        "train": {"other": "auto"},
    }

    with pytest.raises(ConfigError, match=r"train\.other"):
        check_compatibility(PipelineConfig.model_validate(pipeline))


def test_the_budget_counts_negatives():
    """As many trials as so many more samples would leave."""
    off, auto = (
        TrainConfig(
            families=("efficientnet_lite0",), budget_minutes=1.5, finetune=NONE, other=other
        )
        for other in ("off", "auto")
    )

    assert with_negatives(off, 4000) == 4000
    assert with_negatives(auto, 600) == 840
    assert with_negatives(auto, 4000) == 4400
    fewer, same, all_of_them = (
        Heads().resolve(train, samples, 1, 1.0).trials
        for train, samples in ((auto, 4000), (off, 4400), (off, 4000))
    )
    assert fewer == same < all_of_them
