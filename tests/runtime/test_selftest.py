"""A package that computes otherwise than where it was made says so, whatever it is that differs."""

import subprocess
import sys

import pytest

from stages.deploy.packed import write_folder
from stages.runtime.sealed import SEAL, seal

BROKEN = {
    "red and blue swapped": ("pixels.py", '.convert("RGB"))', '.convert("RGB"))[:, :, ::-1]'),
    "another filter": ("steps.py", "BILINEAR", "NEAREST"),
    "not turned upright": ("pictures.py", "ImageOps.exif_transpose(image)", "image"),
    "16 bits cut off": ("pixels.py", "np.rint(255 * np.clip", "np.rint(230 * np.clip"),
    "points at corners": ("boxes.py", "(x + 0.5)", "(x + 0.0)"),
    "distances in pixels": ("boxes.py", "* cell[:, None]", "* 8"),
    "nothing suppressed": ("boxes.py", "> overlap)", "> 2)"),
    "labels suppress each other": ("boxes.py", "same & (overlaps", "True & (overlaps"),
    "worst first": ("boxes.py", "np.argsort(-scores", "np.argsort(scores"),
    "height for width": ("boxes.py", '["width"], facts["height"]', '["height"], facts["width"]'),
    "scores too high": ("boxes.py", "1 / (1 + np.exp", "1.01 / (1 + np.exp"),
}


def run_selftest(folder, name):
    done = subprocess.run(
        [sys.executable, "-m", f"{name}_sdk", "selftest"],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["sealed", "spots", "tones"])
def test_a_package_passes_its_own_test(name, tmp_path, request):
    write_folder(tmp_path, request.getfixturevalue(f"{name}_files"))

    code, response = run_selftest(tmp_path, {"sealed": "colours"}.get(name, name))

    assert code == 0, response
    assert "Selftest passed" in response


@pytest.mark.parametrize("how", list(BROKEN))
def test_what_is_broken_is_found(spots_files, how, tmp_path):
    place, old, new = BROKEN[how]
    files = {name: data for name, data in spots_files.items() if name != SEAL}
    source = files[f"spots_sdk/{place}"].decode()
    assert old in source
    files[f"spots_sdk/{place}"] = source.replace(old, new).encode()
    write_folder(tmp_path, {**files, SEAL: seal(files)})

    code, output = run_selftest(tmp_path, "spots")

    assert code == 5, output
    assert "away from the golden ones" in output


def test_a_sound_that_is_cut_otherwise_is_found(tones_files, tmp_path):
    files = {name: data for name, data in tones_files.items() if name != SEAL}
    source = files["tones_sdk/spectrograms.py"].decode()
    files["tones_sdk/spectrograms.py"] = source.replace("10 * np.log10", "20 * np.log10").encode()
    write_folder(tmp_path, {**files, SEAL: seal(files)})

    code, output = run_selftest(tmp_path, "tones")

    assert code == 5, output
