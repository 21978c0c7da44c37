"""Clips through the etl stage: what the checks find and quarantine."""

import csv
import io
import re

import numpy as np
import pytest

from stages.etl.manifest import samples_of
from stages.pages.translation import missing_texts
from stages.runtime.errors import DataError
from stages.runtime.sounds import decode_sound
from tests.media.melodies import Workshop, melody
from tests.sounds import hiss, saved


@pytest.fixture
def workshop(tmp_path) -> Workshop:
    shop = Workshop(tmp_path)
    shop.clips()
    return shop


def test_clips_become_a_dataset_whose_steps_lead_to_windows(workshop):
    dataset = workshop.dataset()

    sample = samples_of(dataset, workshop.store)[0]
    assert dataset.labels == ("bird", "car")
    assert set(sample.facts) == {"seconds", "rate", "channels"}
    assert dataset.facts == {"window_seconds": pytest.approx(0.8, abs=0.1), "rate": 16_000}
    assert dataset.findings == ()
    assert "<audio controls" in workshop.text(dataset, "page.html")
    assert missing_texts(workshop.text(dataset, "page.html"), "zh") == []


def test_equal_clips_make_an_equal_dataset(workshop):
    config = {"augmentations": ["time_shift", "gain", "background_noise"]}

    assert workshop.dataset(**config).ref == workshop.dataset(**config).ref


BAD = {
    "empty.wav": (b"", "0 bytes"),
    "none.wav": (saved(np.zeros(0)), "no samples"),
    "one.wav": (saved(np.array([0.5])), "0.0001 seconds"),
    "text.wav": (b"this is a letter\n" * 40, "not a sound of a known format"),
    "cut.wav": (saved(hiss())[:9000], "truncated|cannot be decoded to its end"),
    "silent.wav": (saved(np.zeros(16000)), "Nothing can be heard"),
    "wrong.wav": (saved(np.full(16000, np.nan), subtype="FLOAT"), "no numbers"),
    "phone.m4a": (b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(900), "AAC recording"),
    "pointer.wav": (b"version https://git-lfs.github.com/spec/v1\noid x\n", "pointer of git-lfs"),
    "page.mp3": (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
    "hour.flac": (saved(np.zeros(3600 * 1000), 1000, "FLAC"), "60 min 0 s long"),
}


def test_what_cannot_be_used_is_quarantined_with_a_reason(workshop):
    for name, (data, _) in BAD.items():
        workshop.write(f"bird/{name}", data)

    dataset = workshop.dataset()

    rows = csv.DictReader(io.StringIO(workshop.text(dataset, "quarantine.csv")))
    reasons = {row["file"].removeprefix("bird/"): row["reason"] for row in rows}
    assert set(reasons) == set(BAD)
    for name, (_, reason) in BAD.items():
        assert re.search(reason, reasons[name]), reasons[name]


def test_clips_whose_channels_cancel_each_other_are_used_and_told(workshop):
    for number in range(3):
        clip = melody(20 + number, 0.7)
        workshop.write(f"car/phase{number}.wav", saved(np.stack([clip, -clip], axis=1)))

    dataset = workshop.dataset()

    found = {finding.check: finding for finding in dataset.findings}
    assert found["channels in phase"].count == 3
    assert found["channels in phase"].severity == "warning"
    assert sum(dataset.samples.values()) == 23


def test_what_is_strange_is_told(workshop):
    workshop.write("car/loud.wav", saved(np.clip(3 * melody(7, 0.7), -1, 1)))
    workshop.write("car/long.wav", saved(melody(8, 7)))
    workshop.write("car/fast.wav", saved(melody(9, 0.7, 44100), 44100))

    found = {finding.check: finding for finding in workshop.dataset().findings}

    assert found["not clipped"].samples == ("car/loud.wav",)
    assert found["similar lengths"].samples == ("car/long.wav",)
    assert found["one sample rate"].samples == ("car/fast.wav",)
    assert all(finding.severity == "warning" for finding in found.values())


def test_an_exact_copy_in_another_format_is_used_once(workshop):
    clip = saved(melody(0, 0.6), subtype="PCM_16")
    workshop.write("bird/again.flac", saved(decode_sound(clip, 16000), format="FLAC"))

    dataset = workshop.dataset()

    assert [finding.check for finding in dataset.findings] == ["no exact duplicates"]
    assert sum(dataset.samples.values()) == 20


def test_too_many_bad_clips_stop_the_stage(workshop):
    for index in range(8):
        workshop.write(f"bird/silent{index}.wav", saved(np.zeros(8000 + index)))

    with pytest.raises(DataError, match="silent"):
        workshop.dataset(max_quarantine=0.1)
