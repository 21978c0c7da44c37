"""The C libraries of two packages stand in one firmware."""

import re
import subprocess

from stages.deploy.c_source import builds
from stages.deploy.c_source.library import c_library, prefix_of
from stages.deploy.packed import write_folder
from tests.deploy.c_source.compiling import STRICT, needs_compiler
from tests.deploy.c_source.test_c_steps import flattening
from tests.deploy.c_source.test_hostile import BEFORE
from tests.runtime.conftest import DESCRIPTION

COUNT = 12  # labels, one for each number of a picture of 2 x 2
FIRMWARE = """\
#include <stdio.h>
#include "day/src/day_library.h"
#include "Night/src/Night_library.h"
int main(void) {
    static float day[DAY_MODEL_OUTPUTS], night[NIGHT_MODEL_OUTPUTS];
    const uint8_t picture[12] = {200, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    const int codes = day_classify_picture(picture, 2, 2, day) +
                      night_classify_picture(picture, 2, 2, night);
    printf("%d %d %s %s", codes, day[0] == night[0], day_model_labels[0], night_model_labels[0]);
    return 0;
}
"""


def library_of(name: str, label: str) -> dict[str, bytes]:
    labels = [label, *map(str, range(COUNT - 1))]
    description = {**DESCRIPTION, "name": name, "labels": labels, "before": BEFORE, "after": []}
    network = {"model.onnx": flattening(COUNT, (3, 2, 2))}
    return dict(c_library({**description, "input_shape": [3, 2, 2]}, network).files)


@needs_compiler
def test_two_libraries_link_into_one_firmware(tmp_path):
    write_folder(tmp_path / "day", library_of("day", "model_run"))
    write_folder(tmp_path / "Night", library_of("Night", "conv_f32"))
    (tmp_path / "main.c").write_text(FIRMWARE)
    sources = ["main.c", *tmp_path.glob("*/src/*.c")]
    command = [builds.host_compiler(), "-std=c99", *STRICT, *map(str, sources), "-o", "both", "-lm"]

    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    done = subprocess.run(["./both"], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert done.stdout == "0 1 model_run conv_f32"  # labels stay as they are


def test_all_that_a_header_shows_has_the_prefix():
    files = library_of("day", "a")

    for name, data in files.items():
        if name.startswith("src/") and name.endswith(".h"):
            text = re.sub(r"/\*.*?\*/", "", data.decode(), flags=re.DOTALL)
            macros = re.findall(r"#define (\w+)", text)
            functions = re.findall(r"^(?:extern )?(?!static)[\w *]*?(\w+)\(", text, re.MULTILINE)
            assert all(macro.startswith("DAY_") for macro in macros), name
            assert all(function.startswith("day_") for function in functions), name


def test_a_prefix_is_an_identifier_in_small_letters():
    assert prefix_of("9 Lives-à") == "model_9_lives__"
