"""What is drawn for a seed stays as it is: a Model's id depends on every negative.

`drawn.json` has the digests of some negatives of each kind. Whoever changes a drawing on purpose
writes the table again, with `python -m tests.train.ood.test_drawn`, and says so in the notes of the
release."""

import io
import json
from hashlib import sha256
from itertools import cycle
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
from PIL import Image

from stages.runtime.pictures import decode_picture
from stages.runtime.sounds import mono, read_sound
from stages.train.ood import backgrounds, pictures, sounds
from stages.train.ood.drawings import around
from stages.train.ood.negative_spec import NegativeSpec, generator_for
from stages.train.ood.photo_remixes import scrambled, sized
from stages.train.ood.pictures import MAX_SIDE, MIN_SIDE, Photos
from stages.train.ood.sounds import MAX_SECONDS, MIN_PEAK, Clips, coloured, filtered

TABLE = Path(__file__).with_name("drawn.json")
DRAWN = 10  # of each kind: so that each of a kind's branches is taken
RATE = 8000


def photo(side: int) -> bytes:
    """A photo of waves and a square, higher than wide."""
    y, x = np.mgrid[0 : 2 * side, 0 : side + 16]
    planes = [128 + 90 * np.sin(x / (3 + k) + y / (side / 4)) for k in range(3)]
    picture = np.dstack(planes).astype(np.uint8)
    picture[side // 2 : side, 8 : 8 + side // 2] = (20, 200, 60)
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()


def clip(pitch: float, frames: int = 4000, rate: int = RATE) -> bytes:
    """A fading tone in two channels."""
    times = np.arange(frames) / rate
    tone = np.sin(2 * np.pi * pitch * times) * np.exp(-3 * times)
    out = io.BytesIO()
    soundfile.write(out, np.stack([tone, 0.5 * tone], axis=1), rate, format="WAV")
    return out.getvalue()


def digests(module: ModuleType, kind: str) -> str:
    """A digest of the pixels or frames of each of the first negatives of `kind`."""
    found = []
    samples = [clip(300), clip(440), clip(1000)] if module is sounds else [*map(photo, (32, 40))]
    for number in range(DRAWN):
        fetch = cycle(samples).__next__
        data = module.negative(kind, generator_for(NegativeSpec(kind, number), 3), fetch)
        if module is sounds:
            values = soundfile.read(io.BytesIO(data), dtype="int16")[0]
        else:
            values = decode_picture(data)
        found.append(sha256(f"{values.shape}".encode() + values.tobytes()).hexdigest()[:8])
    return " ".join(found)


def table() -> dict[str, dict[str, str]]:
    return {
        name: {kind: digests(module, kind) for kind in sorted(module.KINDS)}
        for name, module in (("pictures", pictures), ("sounds", sounds))
    }


@pytest.mark.parametrize("kind", pictures.KINDS)
def test_pictures_are_drawn_as_before(kind: str):
    assert digests(pictures, kind) == json.loads(TABLE.read_text())["pictures"][kind]


@pytest.mark.parametrize("kind", sounds.KINDS)
def test_sounds_are_made_as_before(kind: str):
    assert digests(sounds, kind) == json.loads(TABLE.read_text())["sounds"][kind]


def test_a_picture_is_as_large_as_the_first_photo_within_limits():
    def size(side: int) -> tuple[int, int]:
        found = Photos(lambda: photo(side))
        assert found().shape == (found.height, found.width, 3)
        return found.height, found.width

    assert size(40) == (80, 56)
    assert size(256) == (MAX_SIDE, round(272 * MAX_SIDE / 512))
    assert size(4) == (MIN_SIDE, 20)


def test_a_sound_is_as_long_as_the_first_clip_within_limits():
    def frames(seconds: float, rate: int) -> int:
        return Clips(np.random.default_rng(0), lambda: clip(50, int(seconds * rate), rate)).frames

    assert frames(0.5, 1000) == 500
    assert frames(12, 1000) == MAX_SECONDS * 1000
    assert frames(0.1, 1000) == 256


def test_a_clip_begins_at_a_random_frame_and_goes_round():
    data = clip(50, 600, 1000)
    wave = mono(read_sound(data).samples).astype(np.float64)

    drawn = Clips(np.random.default_rng(0), lambda: data)()

    shift = np.random.default_rng(0).integers(600)
    assert (drawn == np.roll(wave, shift)).all()


def test_loudness_is_random_within_limits_and_silence_stays_silent():
    peaks = []
    for kind in sounds.KINDS:
        for number in range(4):
            rng = generator_for(NegativeSpec(kind, number), 0)
            data = sounds.negative(kind, rng, lambda: clip(300))
            peaks.append((kind, float(np.abs(read_sound(data).samples).max())))

    loud = [peak for kind, peak in peaks if kind != "silence"]
    assert min(loud) >= 0.98 * MIN_PEAK
    assert 0.8 < max(loud) < 1
    assert max(peak for kind, peak in peaks if kind == "silence") < MIN_PEAK


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_the_amplitude_of_coloured_noise_falls_with_the_frequency(exponent: float):
    wave = coloured(np.random.default_rng(0), 2**14, exponent)
    plane = backgrounds.coloured_noise(np.random.default_rng(0), 128, 128, exponent)

    amplitudes = np.abs(np.fft.rfft(wave))[1:]
    slope = np.polyfit(np.log(np.fft.rfftfreq(2**14)[1:]), np.log(amplitudes), 1)[0]
    assert slope == pytest.approx(-exponent, abs=0.05)
    along = np.abs(np.fft.rfft2(plane))[0, 1:]
    slope = np.polyfit(np.log(np.fft.rfftfreq(128)[1:]), np.log(along), 1)[0]
    assert slope == pytest.approx(-exponent, abs=0.3)
    for values in (wave, plane):
        assert values.mean() == pytest.approx(0, abs=1e-9)
        assert values.std() == pytest.approx(1)


def test_a_filter_convolves():
    rng = np.random.default_rng(0)
    wave, response = rng.normal(size=50), rng.normal(size=9)

    assert np.allclose(filtered(wave, response), np.convolve(wave, response)[:50])


def test_a_scrambled_photo_has_the_spectrum_of_the_photo():
    rng = np.random.default_rng(0)
    picture = np.clip(rng.normal(128, 12, (48, 32, 3)), 0, 255).astype(np.uint8)

    found = scrambled(np.random.default_rng(1), lambda: picture)

    before, after = (np.abs(np.fft.rfft2(each[:, :, 1].astype(float))) for each in (picture, found))
    assert after[0, 0] == pytest.approx(before[0, 0], rel=0.01)
    assert np.corrcoef(before.ravel()[1:], after.ravel()[1:])[0, 1] > 0.95
    assert abs(np.corrcoef(picture.ravel(), found.ravel())[0, 1]) < 0.2


def test_the_corners_of_a_polygon_are_near_its_middle():
    for seed in range(20):
        corners = np.array(around(np.random.default_rng(seed), 10.0, -4.0, 5.0)) - (10, -4)

        away = np.hypot(*corners.T)
        assert 3 <= len(corners) < 24
        assert away.min() >= 0.6 * 5
        assert away.max() <= 5


def test_planes_are_scaled_to_one_and_values_to_bytes():
    assert backgrounds.scale_to_unit(np.array([[2.0, 4.0, 3.0]])).tolist() == [[0, 1, 0.5]]
    assert backgrounds.scale_to_unit(np.full((2, 2), 7.0)).tolist() == [[0, 0], [0, 0]]
    assert backgrounds.to_bytes(np.array([-3.0, 1.4, 1.6, 254.6, 300.0])).tolist() == [
        *(0, 1, 2, 255, 255)
    ]
    assert sized(np.zeros((4, 6, 3), np.uint8), 9, 5).shape == (9, 5, 3)


def test_two_colours_are_mixed_by_their_shares():
    share = np.array([[0.0, 0.5, 1.0]])

    [pixels] = backgrounds.two_colours(np.random.default_rng(5), share).astype(float)

    rng = np.random.default_rng(5)
    first, second = backgrounds.colour(rng), backgrounds.colour(rng)
    assert np.allclose(pixels, [second, (first + second) / 2, first], atol=0.51)


if __name__ == "__main__":
    TABLE.write_text(json.dumps(table(), indent=0) + "\n")
