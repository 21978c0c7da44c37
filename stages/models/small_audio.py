"""A small network for sounds, trained from scratch on log-mel spectrograms.

Convolutions that halve time and frequency step by step, then mean over frequency, mean and maximum
over time, as in Kong et al., PANNs, arXiv 1912.10211 (there CNN6, fifty times as large), at the
size of Zhang et al., Hello Edge: Keyword Spotting on Microcontrollers, arXiv 1711.07128."""

from stages.models.family import Family

SMALL_AUDIO = Family(
    name="small_audio",
    paper="https://arxiv.org/abs/1912.10211",
    licence="Apache-2.0",
    size=64,
    multiple=64,
    parameters=83_984,
    cost=0.0006,
    network=".fold_networks:network",
    folds_layer=".small_audio_layers:SmallAudio",
    shape=(1, 64, None),
    kernel=True,
    width=True,
    spectrogram={"log_mel": {"hop": 320}},
    takes="sounds",
)
