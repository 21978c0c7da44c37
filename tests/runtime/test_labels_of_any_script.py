"""A label that the first stage takes is in no package's way, whatever its script."""

import json

import pytest

from stages.deploy.packed import write_folder
from stages.etl.readers import read_folder
from stages.runtime.commands import main
from stages.runtime.description import check_description
from stages.runtime.errors import Damaged, DataError
from stages.runtime.predictor import Predictor
from tests.runtime.conftest import DESCRIPTION, colour_network, whole
from tests.runtime.painting import plain, saved

SCRIPTS = {
    "zero-width non-joiner, Persian": "می\u200cخواهم",
    "zero-width joiner, Hindi": "क्\u200dष",
    "zero-width joiner, emoji": "👩\u200d🌾",
    "no-break space": "10\u00a0cm",
    "narrow no-break space": "10\u202fcm",
    "soft hyphen": "Apfel\u00adbaum",
    "ideographic space": "赤い\u3000花",
    "mark of direction": "كلب\u200f!",
    "private use": "\ue000",
    "not assigned": "\U000e0fff",
}


def packed(labels, folder):
    files = whole({**DESCRIPTION, "labels": labels}, colour_network(), folder)
    write_folder(folder, files)
    return folder


@pytest.mark.parametrize("label", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_it_goes_from_the_persons_folder_into_an_answer(label, tmp_path, capsys):
    photo = saved(plain((255, 0, 0)))
    for name in (label, "green", "blue"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "1.png").write_bytes(photo)
    (tmp_path / "package").mkdir()

    found = {row.label for row in read_folder(tmp_path / "data").rows}
    folder = packed([label, *sorted(found - {label})], tmp_path / "package")

    with Predictor.open(folder) as predictor:
        assert predictor.predict(photo)["labels"][0]["label"] == label
    assert main(["predict", "--json", str(tmp_path / "data" / "green" / "1.png")], folder) == 0
    assert json.loads(capsys.readouterr().out)["labels"][0]["label"] == label


@pytest.mark.parametrize("label", ["a\x1b[31m", "a\nb", "a\x85b", "a\x7f", "a\udcff"])
def test_what_the_first_stage_refuses_no_package_has(label, tmp_path):
    (tmp_path / "labels.csv").write_bytes(
        f'file,label\n1.png,"{label}"\n2.png,b\n'.encode("utf-8", "surrogatepass")
    )
    for number in (1, 2):
        (tmp_path / f"{number}.png").write_bytes(saved(plain()))

    with pytest.raises(DataError):
        read_folder(tmp_path)
    with pytest.raises(Damaged, match="labels"):
        check_description({**DESCRIPTION, "labels": [label, "b", "c"]}, "package.json")
