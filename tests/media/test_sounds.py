"""What is known of a clip, and what a page shows of it."""

import io

import numpy as np
import pytest
from PIL import Image

from stages.artifacts import Dataset
from stages.config import EtlConfig
from stages.etl.duplicates import near_pairs
from stages.media.drawn_sounds import colours, heard
from stages.media.sounds import Sounds, window_of
from stages.parts import FAMILIES, TASKS
from stages.runtime.errors import BadSample
from stages.runtime.sounds import decode_sound
from stages.runtime.steps import prepared
from tests.media.melodies import melody
from tests.sounds import hiss, saved, tone

CONFIG = EtlConfig()


def test_a_clips_facts_are_those_of_its_file():
    stereo = np.stack([tone(rate=44100, peak=0.5), np.zeros(44100)], axis=1)

    facts = Sounds().inspect(saved(stereo, 44100, subtype="FLOAT"), CONFIG)

    assert (facts["seconds"], facts["rate"], facts["channels"]) == (1.0, 44100, 2)
    assert facts["peak"] == pytest.approx(-12.0, abs=0.1)
    assert facts["level"] == pytest.approx(-15.1, abs=0.1)  # half of each, and a sine
    assert facts["clipped"] == 0
    assert facts["fingerprint"].shape == (64, 64)


def test_equal_samples_are_the_same_however_they_are_stored():
    clip = np.round(melody(1) * 2**14) / 2**15

    wav, flac = (saved(clip, format=name, subtype="PCM_24") for name in ("WAV", "FLAC"))
    other = saved(clip, 22050, subtype="PCM_24")

    same, again, faster = (Sounds().inspect(data, CONFIG)["same"] for data in (wav, flac, other))
    assert same == again
    assert same != faster


@pytest.mark.parametrize("again", ["MP3", "OGG", "softer", "at 22050"])
def test_a_clip_stored_again_looks_the_same_and_others_do_not(again):
    clip = melody(1, rate=44100)
    stored = {
        "MP3": lambda: saved(clip, 44100, "MP3"),
        "OGG": lambda: saved(clip, 44100, "OGG"),
        "softer": lambda: saved(clip / 2, 44100),
        "at 22050": lambda: saved(clip[::2], 22050),
    }[again]()
    every = [saved(clip, 44100), stored, *(saved(melody(seed)) for seed in range(2, 8))]

    pairs = near_pairs([Sounds().inspect(data, CONFIG)["fingerprint"] for data in every])

    assert pairs.tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("seconds", "window"),
    [
        ([0.1, 0.2], 0.5),
        ([1.04] * 10, 1.0),
        ([1.0] * 9 + [30.0], 1.0),
        ([5.001] * 3, 5.0),
        ([1.0] * 8 + [7.0] * 2, 5.0),
    ],
)
def test_most_clips_fit_into_a_window(seconds, window):
    assert window_of(seconds) == window


def test_a_window_that_is_asked_for_is_the_window():
    facts = [{"seconds": 5.0, "rate": 44100}]

    summary = Sounds().summary(facts, EtlConfig(window_seconds=0.96))

    assert summary["window_seconds"] == 0.96


@pytest.mark.parametrize(
    ("rates", "rate"),
    [
        ([44100, 48000, 32000], 32000),
        ([44100] * 19 + [8000], 32000),  # few clips have no high pitches
        ([44100] * 8 + [16000] * 2, 16000),
        ([8000], 16000),
    ],
)
def test_clips_are_compared_up_to_pitches_that_most_of_them_have(rates, rate):
    facts = [{"seconds": 1.0, "rate": value} for value in rates]

    assert Sounds().summary(facts, EtlConfig())["rate"] == rate


@pytest.mark.parametrize("rate", [16000, 32000])
def test_pictures_of_any_rate_show_the_same_times_up_to_the_highest_pitch(rate):
    task, window = TASKS["sound_classification"](), {"window_seconds": 1.0, "rate": rate}
    dataset = Dataset(task=task.name, labels=("a", "b"), revision="1", counts={}, facts=window)
    steps = task.before(FAMILIES["efficientnet_lite0"], 320, dataset)

    sample = prepared(
        [step.model_dump() for step in steps], saved(tone(rate * 0.49, 2.6, 48000), 48000)
    )

    assert sample.windows.shape == (5, 3, 448, 224)
    assert sample.facts["windows"][:2] == [(0.0, 1.01), (0.4, 1.41)]
    highest = sample.windows[0, 0, :224].mean(axis=1).argmax()
    assert highest < 8  # rows from above


def test_a_spectrogram_shows_pitch_upwards_and_time_to_the_right():
    rising = np.concatenate([tone(300), tone(5000)])

    picture = Image.open(io.BytesIO(Sounds().thumbnail(saved(rising), 120))).convert("L")

    assert picture.size == (120, 80)
    bright = np.asarray(picture).astype(int)
    assert bright[60:, :50].max() > bright[:40, :50].max() + 50  # low and early
    assert bright[:40, 70:].max() > bright[60:, 70:].max() + 50  # high and late


def test_colours_are_of_evenly_rising_lightness():
    share = colours() / 255
    linear = np.where(share > 0.04045, ((share + 0.055) / 1.055) ** 2.4, share / 12.92)
    light = 116 * np.cbrt(linear @ [0.2126, 0.7152, 0.0722]) - 16  # CIE 1976 L*

    steps = np.diff(light[16::16])
    assert steps.min() > 5.5
    assert steps.max() < 8


def test_a_preview_has_a_picture_and_a_player_and_needs_nothing_else():
    shown = Sounds().preview(saved(tone(seconds=8)), 96)

    assert shown.startswith('<img src="data:image/jpeg;base64,')
    assert '<audio controls preload="none" src="data:audio/' in shown
    assert "http" not in shown
    assert len(shown) < 40_000
    assert shown == Sounds().preview(saved(tone(seconds=8)), 96)


def test_the_loudest_three_seconds_are_heard():
    clip = np.concatenate([hiss(5, peak=0.01), tone(seconds=3), hiss(5, peak=0.01)])

    _, played = heard(clip, 16000)

    part = decode_sound(played, 16000)
    assert len(part) == pytest.approx(48000, abs=2)
    assert np.abs(part[4000:-4000]).reshape(-1, 1000).max(axis=1).min() > 0.4


def test_golden_sounds_are_equal_each_time_and_every_one_is_decoded():
    golden, again = Sounds().golden(), Sounds().golden()

    assert golden == again
    dated = golden["golden/short.wav"]
    assert dated[dated.index(b"PEAK") + 12 :][:4] == bytes(4)  # else seconds since 1970
    assert sum(map(len, golden.values())) < 400_000
    facts = [Sounds().inspect(data, CONFIG) for data in golden.values()]
    assert {clip["rate"] for clip in facts} == {8000, 16000, 44100}
    assert {clip["channels"] for clip in facts} == {1, 2}


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"])
def test_a_clip_of_any_depth_goes_through_the_tasks_steps(subtype):
    task = TASKS["sound_classification"]()
    dataset = Dataset(
        task=task.name, labels=("a", "b"), revision="1", counts={}, facts={"window_seconds": 1.0}
    )
    steps = [step.model_dump() for step in task.before(FAMILIES["efficientnet_lite0"], 96, dataset)]

    sample = prepared(steps, saved(melody(0, 2.6), subtype=subtype))

    assert sample.windows.shape == (5, 3, 128, 64)
    assert sample.facts["windows"][0] == (0.0, 1.01)
    assert sample.facts["windows"][-1][1] == 2.6


def test_bytes_that_are_no_sound_have_no_preview():
    with pytest.raises(BadSample):
        Sounds().preview(b"no sound", 96)
