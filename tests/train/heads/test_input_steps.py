"""The steps around the network of an input are those of its task, with mirror images where they are
answered, too."""

from stages.artifacts import Dataset
from stages.train.heads.input_steps import after_of, before_of
from stages.train.search.search_space import Input

PICTURES = Dataset(task="image_classification", labels=("a", "b"), revision="", counts={})


def names(steps) -> list[str]:
    return [step.step for step in steps]


def test_a_picture_alone_has_the_steps_of_its_task():
    plain = Input("efficientnet_lite0", 64)

    assert names(before_of(plain, PICTURES))[-1] == "to_channels_first"
    assert names(after_of(plain, PICTURES.task, PICTURES.labels)) == ["softmax"]


def test_a_mirror_image_is_made_last_and_the_mean_is_taken_before_scores():
    plain, both = (Input("efficientnet_lite0", 64, mirrored=way) for way in (False, True))

    before = before_of(both, PICTURES)
    assert names(before) == [*names(before_of(plain, PICTURES)), "mirrored"]
    assert before[1].args["size"] == 64
    assert names(after_of(both, PICTURES.task, PICTURES.labels)) == ["mean_of_windows", "softmax"]
