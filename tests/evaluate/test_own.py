"""`aiwf evaluate`: a person's own photos, with all that a person's folder may hold."""

import json
import shutil

import numpy as np
import pytest

from stages.cli.evaluate import evaluate
from stages.config import EvaluateConfig
from stages.etl.manifest import samples_of
from stages.etl.readers import read_folder
from stages.etl.readers.rows import Doubt, Row
from stages.evaluate.counted import check_labels
from stages.evaluate.own import measured
from stages.evaluate.subject import learnt_from, opened
from stages.runtime.errors import ConfigError, DataError, GateNotMet
from tests import makers


@pytest.fixture
def photos(tmp_path):
    """Class folders of six new photos each."""
    folder = tmp_path / "my photos"
    for label in makers.LABELS:
        (folder / label).mkdir(parents=True)
        for index in range(6):
            data = makers.picture(label, 1000 + index)
            (folder / label / f"-{index} é.png").write_bytes(data)
    return folder


def run(trained, folder, name="model@", **config):
    store = trained[1]
    with opened(name, store) as subject:
        training_digests = learnt_from(subject, store)
        return measured(
            subject, folder, EvaluateConfig(**config), training_digests, 2, lambda *_: None
        )


def test_a_model_is_measured_on_ones_own_photos(trained, photos):
    evaluation, page = run(trained, photos)

    assert len(evaluation.predicted.names) == 18
    assert "efficientnet_lite0 on your own photos" in page
    assert "from my photos" in page
    assert str(photos) not in page


def test_each_photo_keeps_its_own_scores_though_others_are_broken(trained, photos):
    (photos / "circle" / "-1 a.png").write_bytes(b"no picture")

    evaluation, _ = run(trained, photos)

    with opened("model@", trained[1]) as subject:
        predictor = subject.predictor()
        for name, scores in zip(
            evaluation.predicted.names, evaluation.predicted.answers, strict=True
        ):
            alone = predictor.answers([(photos / name).read_bytes()])[0]
            np.testing.assert_allclose(scores, alone, atol=2e-6)
    labels = [evaluation.predicted.labels[true] for true in evaluation.predicted.truth]
    assert labels == [name.split("/")[0] for name in evaluation.predicted.names]


def test_a_table_beside_the_photos_works_too(trained, photos):
    lines = [f"circle/-{index} é.png,circle" for index in range(6)]
    (photos / "labels.csv").write_text("\ufefffile,label\n" + "\n".join(lines), "utf-8")

    evaluation, _ = run(trained, photos)

    assert len(evaluation.predicted.names) == 6


def test_of_a_folder_with_splits_the_test_split_is_taken(trained, photos, tmp_path):
    top = tmp_path / "split"
    shutil.copytree(photos, top / "test")
    shutil.copytree(photos, top / "train")

    evaluation, _ = run(trained, top)

    assert {name.split("/")[0] for name in evaluation.predicted.names} == {"test"}


def test_of_two_readings_the_one_with_the_models_labels_is_taken(trained, photos, tmp_path):
    for site in ("site1", "site2"):
        shutil.copytree(photos, tmp_path / "sites" / site)

    with pytest.raises(Doubt):
        read_folder(tmp_path / "sites")
    evaluation, _ = run(trained, tmp_path / "sites")

    assert len(evaluation.predicted.names) == 18  # the copies of site2 tell nothing new


def test_readings_of_which_none_has_the_models_labels_are_told(trained, tmp_path):
    for site in ("site1", "site2"):
        for label in ("cat", "dog"):
            (tmp_path / "sites" / site / label).mkdir(parents=True)
            (tmp_path / "sites" / site / label / "1.png").write_bytes(makers.picture())

    with pytest.raises(DataError, match="trained on"):
        run(trained, tmp_path / "sites")


def test_the_nearest_label_is_spelt_as_the_model_spells_it():
    with pytest.raises(DataError) as error:
        check_labels([Row("1.png", "hat"), Row("2.png", "zzz")], ["Été Hat ☀", "dress"])

    assert error.value.remedy == (
        "For 'hat': did you mean 'Été Hat ☀'? It knows: Été Hat ☀, dress."
    )


def test_a_label_that_the_model_does_not_know_is_named_with_the_nearest(trained, photos):
    (photos / "circle").rename(photos / "Circles")

    with pytest.raises(DataError, match="'Circles'") as error:
        run(trained, photos)

    assert "did you mean 'circle'" in error.value.remedy
    assert "It knows: circle, square, triangle" in error.value.remedy


def test_photos_that_tell_nothing_new_are_quarantined_and_told(trained, photos):
    _, store, dataset, _ = trained
    learnt = samples_of(dataset, store, "train")[0]
    (photos / "circle" / "learnt.png").write_bytes(store.get(learnt.digest))
    (photos / "circle" / "broken.png").write_bytes(b"\x89PNG no more")
    (photos / "circle" / "twice.png").write_bytes((photos / "circle" / "-0 é.png").read_bytes())
    shutil.copy(photos / "square" / "-1 é.png", photos / "triangle" / "both.png")

    evaluation, page = run(trained, photos)

    assert len(evaluation.predicted.names) == 17  # 18, less the square that is also a triangle
    assert "trained or chosen with this very photo" in page
    assert "circle/broken.png" in page
    assert "the same photo as circle/-0 é.png" in page
    assert page.count("the same photo is under &#39;square&#39; and &#39;triangle&#39;") == 2


def test_if_nothing_can_be_counted_it_says_why(trained, tmp_path):
    folder = tmp_path / "broken"
    (folder / "circle").mkdir(parents=True)
    (folder / "circle" / "x.png").write_bytes(b"")

    with pytest.raises(DataError, match=r"None of the 1 photos can be counted: circle/x\.png"):
        run(trained, folder)


def test_a_folder_that_is_not_there_is_told(trained, tmp_path):
    with pytest.raises(DataError, match="no folder"):
        run(trained, tmp_path / "gone")


def test_a_name_that_means_nothing_is_told(trained, photos):
    with pytest.raises(ConfigError, match="no model or package 'modle'"):
        run(trained, photos, name="modle")


def test_the_command_writes_the_report_and_prints_a_table(
    trained, photos, tmp_path, monkeypatch, capsys
):
    folder, _, _, model = trained
    monkeypatch.setenv("AIWF_WORKSPACE", str(folder))
    out = tmp_path / "out"

    with pytest.raises(GateNotMet):
        evaluate(f"model@{model.ref.id[:12]}", photos, out, ["accuracy=1"])

    output = capsys.readouterr().out
    assert "Verdict: DO NOT SHIP" in output
    assert "circle" in output
    assert "report.html" in output
    assert json.loads((out / "metrics.json").read_text("utf-8"))["verdict"] == "do not ship"
    assert (out / "report.html").read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("gate", ["acuracy=0.9", "ap50=0.9"])
def test_a_gate_on_what_is_not_measured_is_told(trained, photos, tmp_path, monkeypatch, gate):
    monkeypatch.setenv("AIWF_WORKSPACE", str(trained[0]))

    with pytest.raises(ConfigError, match=f"no metric is called '{gate.partition('=')[0]}'"):
        evaluate("model@", photos, tmp_path, [gate])


def test_a_gate_that_cannot_be_read_is_told(photos):
    with pytest.raises(ConfigError, match=r"Write it as accuracy=0\.9"):
        evaluate("model@", photos, photos, ["accuracy"])
