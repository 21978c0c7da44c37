"""Statistics of a spectrogram in equal segments of time, with a head on top: no convolutions, and
no parameters but the head's.

Mean and deviation of each band over a whole window are the usual baseline for sounds, and cannot
tell a rising tone from a falling one. In segments they keep the order. A fixed number of equal bins
for windows of any length is spatial pyramid pooling (He et al., arXiv 1406.4729), here along time
alone. It costs next to nothing, so it is a baseline that a network has to beat."""

from stages.models.family import Family

BANDS, SEGMENTS = 64, 5
STATISTICS = 2  # mean, deviation

LOGMEL_SEGMENTS = Family(
    name="logmel_segments",
    paper="https://arxiv.org/abs/1406.4729",
    licence="Apache-2.0",
    size=BANDS,
    multiple=BANDS,
    features=STATISTICS * BANDS * SEGMENTS,
    parameters=0,
    cost=0.0001,
    layers=".logmel_segments_layers:backbone",
    shape=(1, BANDS, None),
    segments=SEGMENTS,
    spectrogram={"log_mel": {"hop": 320}},
    takes="sounds",
)
