"""The settings that all families with ImageNet weights by PaddlePaddle share."""

from functools import partial

from stages.models.family import Family

MEAN = (0.485, 0.456, 0.406)  # of red, green and blue, 0..1
STD = (0.229, 0.224, 0.225)

of_paddle = partial(
    Family,
    licence="Apache-2.0",
    size=224,
    multiple=32,
    mean=MEAN,
    std=STD,
    names=".paddle_params:place",
)
