"""A library's fault is never called the sample's, and a damaged sample never the library's."""

import pytest
import soundfile
from PIL import Image, ImageOps

from stages.runtime import pictures, sounds
from stages.runtime.drawing import drawn
from stages.runtime.errors import BackendMissing, BadSample, InfrastructureError
from stages.runtime.libraries import check_libraries
from stages.runtime.pictures import decode_picture
from stages.runtime.sounds import read_sound
from stages.runtime.steps import run
from tests.runtime import painting
from tests.runtime.networks import tune
from tests.runtime.painting import plain, saved


@pytest.fixture(autouse=True)
def with_empty_caches():
    for function in (pictures._decode_good_picture, pictures._turns, sounds._decode_good_sound):
        function.cache_clear()
    yield
    for function in (pictures._decode_good_picture, pictures._turns, sounds._decode_good_sound):
        function.cache_clear()


def raising(error):
    def broken(*args, **kwargs):
        raise error

    return broken


@pytest.mark.parametrize(
    "error",
    [
        AttributeError("'Image' object has no attribute 'has_transparency_data'"),
        TypeError("asarray() got an unexpected keyword argument"),
        ImportError("libjpeg.so.62: cannot open shared object file"),
        ValueError("numpy.dtype size changed"),
        OSError("decoder jpeg not available"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("method", ["Image.Image.convert", "ImageFile.ImageFile.load"])
def test_pillow_that_fails_on_every_picture_is_named_and_not_the_picture(
    monkeypatch, error, method
):
    data = saved(plain(), "JPEG")
    monkeypatch.setattr(f"PIL.{method}", raising(error))

    with pytest.raises(InfrastructureError, match=r"pillow \d+\.\d+.* on Python 3\.") as caught:
        decode_picture(data)

    assert str(error) in caught.value.problem
    assert "pip install --upgrade 'pillow>=9.4.0'" in caught.value.remedy


def test_pillow_without_its_jpeg_library_is_named(monkeypatch):
    data = saved(plain(), "JPEG")
    monkeypatch.delattr(Image.core, "jpeg_decoder")

    with pytest.raises(InfrastructureError, match="jpeg not available"):
        decode_picture(data)

    assert decode_picture(saved(plain())).shape == (16, 24, 3)


def test_pillow_that_cannot_turn_pictures_does_not_leave_them_lying(monkeypatch):
    data = painting.turned()
    monkeypatch.setattr(ImageOps, "exif_transpose", raising(AttributeError("_getexif")))

    with pytest.raises(InfrastructureError, match="_getexif"):
        decode_picture(data)


def test_too_little_memory_is_not_the_pictures_fault(monkeypatch):
    data = saved(plain())
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", raising(MemoryError()))

    with pytest.raises(InfrastructureError, match="not enough memory"):
        decode_picture(data)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "JPEG2000"])
def test_a_damaged_picture_is_the_pictures_fault(format):
    data = saved(plain(), format)

    for damaged in (data[: len(data) // 3], data[:20] + b"\xff" * 9):
        with pytest.raises(BadSample):
            decode_picture(damaged)


def test_an_odd_error_on_one_picture_is_that_pictures_fault(monkeypatch):
    odd, load = saved(plain(size=(7, 5))), Image.Image.convert

    def fails_on_it(image, *args, **kwargs):
        if image.size == (7, 5):
            raise TypeError("'NoneType' object is not subscriptable")
        return load(image, *args, **kwargs)

    monkeypatch.setattr(Image.Image, "convert", fails_on_it)

    with pytest.raises(BadSample, match="not subscriptable"):
        decode_picture(odd)


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3"])
def test_soundfile_that_reads_no_such_sound_is_named(monkeypatch, tmp_path, format):
    path = tmp_path / "clip"
    soundfile.write(path, [0.0] * 4000, 16000, format=format)
    data = path.read_bytes()
    error = soundfile.LibsndfileError(1)
    monkeypatch.setattr(soundfile.SoundFile, "__init__", raising(error))
    monkeypatch.setattr(soundfile.SoundFile, "__del__", lambda file: None)

    with pytest.raises(InfrastructureError, match=r"soundfile \d+\.\d+.* on Python 3\."):
        read_sound(data)


def test_numpy_that_soundfile_cannot_use_is_not_the_sounds_fault(monkeypatch):
    monkeypatch.setattr(soundfile.SoundFile, "read", raising(AttributeError("numpy.float_")))

    with pytest.raises(InfrastructureError, match="float_"):
        read_sound(tune(400))


@pytest.mark.parametrize("data", [b"RIFF", b"fLaC" + b"\0" * 99, b"ID3" + b"\1" * 99, b"text"])
def test_what_is_no_sound_is_its_own_fault(data):
    with pytest.raises(BadSample):
        read_sound(data)


@pytest.mark.parametrize(
    "error", [AttributeError("gone"), ImportError("gone"), MemoryError("gone")]
)
def test_a_step_that_fails_is_told_with_versions(monkeypatch, error):
    picture = decode_picture(saved(plain()))
    monkeypatch.setattr(Image, "fromarray", raising(error))

    with pytest.raises(InfrastructureError, match="Step 'resize'"):
        run([{"step": "resize", "args": {"size": 8}}], picture)


def test_an_old_pillow_draws_with_the_letters_that_it_has(monkeypatch):
    from PIL import ImageFont

    small = ImageFont.load_default_imagefont()

    def old(*size):
        if size:
            raise TypeError("load_default() takes 0 positional arguments but 1 was given")
        return small

    monkeypatch.setattr(ImageFont, "load_default", old)
    box = {"label": "屋根 é", "score": 0.5, "box": [1, 1, 9, 9]}

    assert drawn(saved(plain()), [box]).startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    ("requires", "problem"),
    [
        ({"numpy": "999.1"}, r"numpy \d.* is installed, and the package needs 999\.1"),
        ({"python": "4.0"}, r"python 3\.\d+\.\d+ is installed"),
    ],
)
def test_an_old_library_is_told_with_the_version_that_is_needed(requires, problem):
    with pytest.raises(BackendMissing, match=problem):
        check_libraries(requires)


def test_libraries_that_are_new_enough_or_not_to_be_found_pass():
    check_libraries({"python": "3.11", "numpy": "1.24.2", "not-there-at-all": "1.0"})


def test_etl_stops_at_a_broken_library_and_does_not_put_every_picture_aside(monkeypatch, tmp_path):
    from stages.config import EtlConfig
    from stages.etl.inspection import inspect_all
    from stages.etl.readers import Row
    from stages.media.pictures import Pictures
    from stages.tracking import QuietRun
    from tests import makers

    (tmp_path / "a.png").write_bytes(saved(plain()))
    monkeypatch.setattr(Image.Image, "convert", raising(AttributeError("gone")))
    rows, services = [Row(file="a.png")], (makers.store(tmp_path / "store"), QuietRun(), 1)

    with pytest.raises(InfrastructureError, match="pillow"):
        inspect_all(tmp_path, rows, Pictures(), EtlConfig(), *services)


@pytest.mark.parametrize("path", ["/dev/zero", "large"])
def test_a_file_without_an_end_is_a_problem_of_its_own(monkeypatch, predictor, tmp_path, path):
    from pathlib import Path

    from stages.runtime import file_answers

    monkeypatch.setattr(file_answers, "MOST_BYTES", 1000)
    (tmp_path / "large").write_bytes(b"0" * 1001)

    answer, code = file_answers.answered(
        predictor, Path(tmp_path / path), file_answers.PredictOptions()
    )

    assert code == 3
    assert "more than 1000 bytes" in answer["problem"]
