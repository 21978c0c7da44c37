"""What whoever has a package's folder can type, with nothing of ours around."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stages.runtime.file_answers import drawings
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL
from tests.runtime.networks import scene, tune
from tests.runtime.painting import plain, saved


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "grün & blau.png"
    path.write_bytes(saved(plain((0, 0, 255))))
    return path


def typed(package, *arguments, sdk="colours_sdk"):
    """Run the package's own command in its folder; the package may not find our sources."""
    guard = "import sys, runpy; sys.modules['stages'] = None; sys.path.insert(0, '')\n"
    guard += f"runpy.run_module('{sdk}', run_name='__main__', alter_sys=True)"
    keep = ("PATH", "LD_LIBRARY_PATH")
    return subprocess.run(
        [sys.executable, "-c", guard, *map(str, arguments)],
        cwd=package,
        env={name: os.environ[name] for name in keep if name in os.environ},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_a_photo_alone_is_answered(package, photo):
    result = typed(package, photo)

    assert result.returncode == 0
    assert result.stdout.startswith(f"{photo}: blue 0.99")


def test_json_has_a_line_for_each_photo_and_a_bad_one_costs_only_itself(package, photo, tmp_path):
    bad = tmp_path / "-bad.png"
    bad.write_bytes(b"nonsense")

    result = typed(package, "predict", "--json", bad, photo, "missing.png")

    first, second, third = map(json.loads, result.stdout.splitlines())
    assert result.returncode == 3
    assert "known format" in first["problem"]
    assert second["labels"][0]["label"] == "blue"
    assert "No such file" in third["problem"]


def test_a_list_of_photos_is_read_from_a_file(package, photo, tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text(f"{photo}\n{photo}\n", "utf-8")

    result = typed(package, "predict", "--json", "--timed", "--top", "0", "--from", listed)

    first, *lines = map(json.loads, result.stdout.splitlines())
    assert first["load_seconds"] > 0
    assert [len(line["labels"]) for line in lines] == [3, 3]
    assert all(line["seconds"] > 0 for line in lines)


def test_no_photo_is_no_question(package):
    result = typed(package)

    assert result.returncode == 2
    assert "Name at least one file" in result.stderr


def test_the_selftest_answers_every_golden_picture(package):
    result = typed(package, "selftest")

    assert result.returncode == 0
    assert result.stdout.startswith("Selftest passed on ")
    assert "4 of 4 golden photos keep their answer" in result.stdout


def test_the_selftest_finds_a_machine_that_computes_otherwise(package, sealed_files):
    from stages.runtime.sealed import seal
    from stages.runtime.selftest import GOLDEN

    wrong = sealed_files[GOLDEN].replace(b"0.001", b"1e-12")
    files = {name: data for name, data in sealed_files.items() if name != SEAL}
    expected = json.loads(wrong)
    expected["cases"][0]["expected"][0] += 0.2
    files[GOLDEN] = json.dumps(expected).encode()
    (package / GOLDEN).write_bytes(files[GOLDEN])
    (package / SEAL).write_bytes(seal(files))

    result = typed(package, "selftest")

    assert result.returncode == 5
    assert "Selftest failed on " in result.stderr
    assert "away from the golden ones" in result.stderr


def test_info_tells_labels_and_steps(package):
    description = json.loads(typed(package, "info").stdout)

    assert description["labels"] == ["red", "green", "blue"]
    assert description["before"][0]["step"] == "decode_picture"


def test_a_damaged_package_says_so_and_answers_nothing(package, photo):
    (package / "labels.txt").write_text("changed")

    result = typed(package, photo)

    assert result.returncode == 7
    assert result.stdout == ""
    assert "labels.txt in the package is not what was packed" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_folder_is_told_from_a_picture(package, tmp_path):
    result = typed(package, tmp_path)

    assert result.returncode == 3
    assert f"It is a folder. Name the files in it: {tmp_path}/*" in result.stderr


@pytest.fixture
def aerial(tmp_path):
    path = tmp_path / "aerial.png"
    path.write_bytes(scene(((255, 0, 0), (32, 16, 64, 32))))
    return path


def test_boxes_are_told_in_a_line_and_drawn(spots, aerial, tmp_path):
    result = typed(
        spots, "predict", aerial, "--draw", tmp_path / "new" / "out.jpg", sdk="spots_sdk"
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{aerial}: red 0.997 (32, 16, 64, 32)\n"
    assert (tmp_path / "new" / "out.jpg").read_bytes()[:3] == b"\xff\xd8\xff"


def test_several_are_drawn_into_a_folder_and_names_do_not_collide(spots, aerial, tmp_path):
    other = tmp_path / "other" / "aerial.bmp"
    other.parent.mkdir()
    other.write_bytes(aerial.read_bytes())
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"nonsense")

    result = typed(
        spots, "predict", "--json", aerial, bad, other, "--draw", tmp_path / "out", sdk="spots_sdk"
    )

    first, second, third = map(json.loads, result.stdout.splitlines())
    assert result.returncode == 3
    assert "problem" in second
    assert [answer["drawn"] for answer in (first, third)] == [
        str(tmp_path / "out" / name) for name in ("aerial-1.jpg", "aerial-3.jpg")
    ]
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_no_two_drawings_have_one_name_on_any_disk(spots):
    files = [Path(name) for name in ("x/a.png", "y/A.bmp", "a-1.png")]

    with Predictor.open(spots) as predictor:
        places = drawings(predictor, files, Path("out"))

    assert len({str(place).casefold() for place in places}) == 3


def test_a_place_that_cannot_be_written_is_told_and_keeps_nothing_half(spots, aerial, tmp_path):
    (tmp_path / "file").write_text("a file, no folder")

    result = typed(
        spots, "predict", aerial, "--draw", tmp_path / "file" / "out.jpg", sdk="spots_sdk"
    )

    assert result.returncode == 7
    assert "Cannot write" in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "aerial.png",
        "file",
    ]


def test_a_drawing_never_takes_the_place_of_what_is_read(spots, aerial, tmp_path):
    before = aerial.read_bytes()

    result = typed(spots, "predict", aerial, "--draw", aerial, sdk="spots_sdk")

    assert result.returncode == 2
    assert "would write over" in result.stderr
    assert aerial.read_bytes() == before


def test_labels_cannot_be_drawn(package, photo, tmp_path):
    result = typed(package, "predict", photo, "--draw", tmp_path / "out.jpg")

    assert result.returncode == 2
    assert "cannot be drawn" in result.stderr
    assert not (tmp_path / "out.jpg").exists()


def test_a_clip_is_answered_with_what_was_heard_when(tones, tmp_path):
    clip, text = tmp_path / "clip.wav", tmp_path / "text.wav"
    clip.write_bytes(tune(300, 3000))
    text.write_text("no sound")

    result = typed(tones, clip, text, sdk="tones_sdk")

    assert "0.0 to 1.0 s low" in result.stdout
    assert "1.0 to 2.0 s high" in result.stdout
    assert result.returncode == 3
    assert "not a sound of a known format" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--top", "-1"),
        ("--top", "x"),
        ("--threshold", "high"),
        ("--on", "nonsense"),
        ("--on", ""),
    ],
)
def test_a_question_that_makes_no_sense_is_told(package, photo, arguments):
    result = typed(package, "predict", photo, *arguments)

    assert result.returncode == 2
    assert "Traceback" not in result.stderr
