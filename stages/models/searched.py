"""Small networks from scratch whose architecture is searched (`train.architecture`): for devices on
which nothing pretrained fits. The architecture, a genotype (genotype.py), stands in the Model."""

from stages.models.family import Family

SEARCHED_IMAGE = Family(
    name="searched_image",
    paper="https://arxiv.org/abs/1711.00436",
    licence="Apache-2.0",
    size=64,
    multiple=16,
    parameters=60_000,
    cost=0.0009,
    network=".searched_layers:network",
    folds_layer=".searched_layers:SearchedImage",
    shape=(3, None, None),
    by_default=False,
    searched=True,
)
SEARCHED_AUDIO = Family(
    name="searched_audio",
    paper="https://arxiv.org/abs/1711.00436",
    licence="Apache-2.0",
    size=64,
    multiple=64,
    parameters=60_000,
    cost=0.0006,
    network=".searched_layers:network",
    folds_layer=".searched_layers:SearchedAudio",
    shape=(1, 64, None),
    by_default=False,
    searched=True,
    spectrogram={"log_mel": {"hop": 320}},
    takes="sounds",
)
