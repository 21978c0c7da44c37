"""HEIC photos are read where pillow-heif is installed, and else refused with what to install."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages.runtime.errors import BadSample
from stages.runtime.heic import can_read_heic
from stages.runtime.pictures import decode_picture

ROOT = Path(__file__).parents[2]
HEADER = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
# stands in for pillow-heif: its register_heif_opener lets Pillow open a PNG behind HEIC's header
STAND_IN = f"""
from PIL import Image, PngImagePlugin

class BehindHeader(PngImagePlugin.PngImageFile):
    format = "HEIF"
    def _open(self):
        self.fp.read({len(HEADER)})
        super()._open()

def register_heif_opener(**options):
    assert options == {{"thumbnails": False}}
    Image.register_open("HEIF", BehindHeader, lambda start: start[4:12] == b"ftypheic")
"""
DECODE = """
import sys
from pathlib import Path
from stages.runtime.errors import WorkflowError
from stages.runtime.pictures import decode_picture
for name in sys.argv[1:]:
    try:
        print(decode_picture(Path(name).read_bytes()).shape)
    except WorkflowError as error:
        print(error.problem, error.remedy)
"""


def halves() -> np.ndarray:
    """A picture [48, 64, 3] of two halves, red above green."""
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24], picture[24:] = (200, 30, 40), (20, 180, 60)
    return picture


def answers(folder: Path, *names: str) -> list[str]:
    """What a process that finds a stand-in for pillow-heif says of the files `names`."""
    (folder / "pillow_heif.py").write_text(STAND_IN)
    path = os.pathsep.join([str(folder), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", DECODE, *names],
        env={**os.environ, "PYTHONPATH": path},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_what_pillow_heif_opens_is_a_picture_like_any_other(tmp_path):
    png = io.BytesIO()
    Image.fromarray(halves()).save(png, "PNG")
    (tmp_path / "good.heic").write_bytes(HEADER + png.getvalue())
    (tmp_path / "truncated.heic").write_bytes(HEADER + png.getvalue()[:60])
    (tmp_path / "none.heic").write_bytes(HEADER + bytes(300))

    good, truncated, none = answers(tmp_path, "good.heic", "truncated.heic", "none.heic")

    assert good == "(48, 64, 3)"
    assert "cannot be decoded" in truncated
    assert "copy it again" in none
    assert "0x" not in none  # an address would make each run's quarantine another one


@pytest.mark.skipif(can_read_heic(), reason="pillow-heif is installed")
def test_without_pillow_heif_it_is_said_what_to_install():
    with pytest.raises(BadSample, match="an HEIC photo") as caught:
        decode_picture(HEADER + bytes(300))

    assert "pip install pillow-heif" in caught.value.remedy
    assert "as JPEG" in caught.value.remedy


@pytest.mark.skipif(not can_read_heic(), reason="pillow-heif is not installed")
def test_a_photo_of_an_iphone_is_decoded_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    out = io.BytesIO()
    Image.fromarray(halves()).save(out, "HEIF", quality=95, exif=exif.tobytes())

    picture = decode_picture(out.getvalue())

    assert picture.shape == (64, 48, 3)  # and the upper half is on the right
    assert np.abs(picture[:, 30:].astype(int) - (200, 30, 40)).max() < 12
    assert np.abs(picture[:, :18].astype(int) - (20, 180, 60)).max() < 12


@pytest.mark.skipif(not can_read_heic(), reason="pillow-heif is not installed")
@pytest.mark.parametrize("end", [40, 60, -100])
def test_a_truncated_photo_is_a_bad_sample(end):
    out = io.BytesIO()
    Image.fromarray(halves()).save(out, "HEIF")

    with pytest.raises(BadSample, match="cannot be decoded"):
        decode_picture(out.getvalue()[:end])
