"""How a packed folder is asked: in a process of its own, one sample after the other."""

import json

import numpy as np
import pytest

from stages.deploy.packed import run_packed, self_test, write_folder
from stages.runtime.errors import AgreementNotMet
from tests.runtime.conftest import DESCRIPTION

PROGRAM = """
import json, os, sys

if sys.argv[1] == "selftest":
    print("\\n".join(f"line {number}" for number in range(7)))
    sys.exit(0 if os.path.exists("good") else 5)
arguments = sys.argv[1:]
listed = open(arguments[arguments.index("--from") + 1]).read().split()
print(json.dumps({"load_seconds": 0.5, "arguments": arguments}), flush=True)
for number, name in enumerate(listed):
    scores = json.loads(open(name).read())
    labels = [{"label": label, "score": score} for label, score in scores.items()]
    print(json.dumps({"labels": labels, "seconds": number}), flush=True)
place, modules = os.path.basename(os.getcwd()), list(sys.modules)
with open("arguments.json", "w") as file:
    json.dump([arguments, place, sys.flags.isolated, modules], file)
sys.exit(int(os.path.exists("bad")) * 3)
"""


@pytest.fixture
def folder(tmp_path):
    files = {"x_sdk/__init__.py": b"", "x_sdk/__main__.py": PROGRAM.encode()}
    write_folder(tmp_path / "package", files)
    return tmp_path / "package"


def samples(count):
    return [
        json.dumps({"red": number / 10, "green": 0.5, "blue": 0.25}).encode()
        for number in range(count)
    ]


def test_each_sample_is_answered_once_and_the_first_once_more_to_warm_up(folder):
    progress = []

    answers = run_packed(folder, "x_sdk", DESCRIPTION, samples(3), progress.append)

    assert answers.values == [[0.0, 0.5, 0.25], [0.1, 0.5, 0.25], [0.2, 0.5, 0.25]]
    np.testing.assert_array_equal(answers.seconds, [1, 2, 3])  # those of 0 would warm up
    assert answers.load_seconds == 0.5
    assert progress == [0, 0, 1, 2, 3]


def test_it_runs_by_itself_and_tells_every_label(folder):
    run_packed(folder, "x_sdk", DESCRIPTION, samples(1))

    arguments, place, isolated, modules = json.loads((folder / "arguments.json").read_text())
    at = arguments.index("--from")
    assert arguments[:at] == ["predict", "--json", "--timed", "--top", "0", "--threshold", "0"]
    assert "--on" not in arguments
    assert (place, isolated) == ("package", 1)
    assert not [name for name in modules if name.startswith("stages.")]


def test_the_options_of_an_instruction_set_and_an_emulator_are_passed_on(folder, tmp_path):
    emulator = tmp_path / "emulator"
    emulator.write_text(f'#!/bin/sh\ntouch {tmp_path}/emulated\nexec "$@"\n')
    emulator.chmod(0o755)

    run_packed(folder, "x_sdk", DESCRIPTION, samples(1), on="arm64", through=(str(emulator),))

    arguments = json.loads((folder / "arguments.json").read_text())[0]
    assert arguments[-2:] == ["--on", "arm64"]
    assert (tmp_path / "emulated").exists()


def test_a_folder_that_fails_is_told_with_its_last_five_lines(folder):
    with pytest.raises(AgreementNotMet) as caught:
        self_test(folder, "x_sdk")

    assert caught.value.problem == (
        "The packed x_sdk ended with code 5. line 2 / line 3 / line 4 / line 5 / line 6"
    )
    (folder / "good").touch()
    self_test(folder, "x_sdk")


def test_answers_of_a_process_that_fails_do_not_count(folder):
    (folder / "bad").touch()

    with pytest.raises(AgreementNotMet, match="The packed x_sdk ended with code 3"):
        run_packed(folder, "x_sdk", DESCRIPTION, samples(2))


def test_files_are_written_below_their_folders_and_over_others(tmp_path):
    write_folder(tmp_path / "a", {"b/c/d.txt": b"first", "e.txt": b"e"})
    write_folder(tmp_path / "a", {"b/c/d.txt": b"second"})

    assert (tmp_path / "a/b/c/d.txt").read_bytes() == b"second"
    assert (tmp_path / "a/e.txt").read_bytes() == b"e"
