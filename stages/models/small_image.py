"""A small network for pictures, trained from scratch: for pictures that are nothing like photos,
and for devices with little memory. It takes part only if a pipeline names it.

Convolutions that halve the sides step by step in place of pooling, then the mean over the picture,
as in Springenberg et al., Striving for Simplicity, arXiv 1412.6806."""

from stages.models.family import Family

SMALL_IMAGE = Family(
    name="small_image",
    paper="https://arxiv.org/abs/1412.6806",
    licence="Apache-2.0",
    size=64,
    multiple=16,
    parameters=84_272,
    cost=0.0009,
    network=".fold_networks:network",
    folds_layer=".small_image_layers:SmallImage",
    shape=(3, None, None),
    kernel=True,
    width=True,
    by_default=False,
)
