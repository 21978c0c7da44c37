"""The chosen network teaches smaller ones, from a Dataset to the Model that ships."""

import json

import numpy as np
import pytest

from stages.config import TrainConfig, TrainSlice
from stages.config.distillation import Distil, Prune
from stages.config.search_space import FinetuneSearchSpace, Range, SearchSpace
from stages.config.train import Finetune
from stages.models.arrays import unpack_arrays
from stages.models.network import assemble
from stages.tracking import QuietRun
from stages.train import train
from stages.train.distillation.distillation import ValidatedStudent, cheapest_shipping
from tests import makers

SPACE = FinetuneSearchSpace(freeze=("most",), batch_size=(16,))
PLAIN = TrainConfig(
    families=("efficientnet_lite0",),
    input_sizes=(64,),
    epochs=2,
    trials=1,
    folds=3,
    workers=1,
    growth=False,
    search_space=SearchSpace(head=("linear",)),
    finetune=Finetune(trials=0),
)
STUDENT = Distil(family="small_image", epochs=4, views=1, ship="always")


@pytest.fixture(scope="module")
def dataset(store):
    return makers.dataset(store, each=12, views=1)


def trained(dataset, store, resources, **changes):
    config = TrainSlice(train=PLAIN.model_copy(update=changes))
    return train(dataset, config, store=store, run=QuietRun(), resources=resources)


@pytest.fixture(scope="module")
def plain(dataset, store, ray_running):
    return trained(dataset, store, ray_running)


@pytest.fixture(scope="module")
def distilled(dataset, store, ray_running):
    return trained(dataset, store, ray_running, distil=STUDENT)


def validated(ships: bool, seconds: float) -> ValidatedStudent:
    return ValidatedStudent(None, None, None, None, {"ships": ships, "seconds": seconds})


def test_of_several_students_that_may_ship_the_cheapest_does():
    students = [validated(True, 3.0), validated(False, 1.0), validated(True, 2.0)]

    assert cheapest_shipping(students) is students[2]
    assert [student.record["ships"] for student in students] == [False, False, True]
    assert students[0].record["why"] == "a cheaper student ships"
    assert "why" not in students[1].record
    assert cheapest_shipping(students[1:2]) is None


def test_without_students_the_record_has_none(plain):
    assert not {"distillation", "pruning"} & set(plain.selection)
    assert "training" not in plain.hyperparameters


@pytest.mark.slow
def test_a_student_that_never_ships_changes_nothing_but_the_record(
    plain, dataset, store, ray_running
):
    never = STUDENT.model_copy(update={"ship": "never"})

    model = trained(dataset, store, ray_running, distil=never)

    assert model.files["weights.npz"] == plain.files["weights.npz"]
    assert model.files["unseen.json"] == plain.files["unseen.json"]
    assert not model.selection["distillation"]["ships"]


def test_the_student_ships_with_its_comparisons(distilled, store):
    record = distilled.selection["distillation"]
    trials = json.loads(store.get(distilled.files["trials.json"]))

    assert distilled.family == "small_image"
    assert distilled.input_shape == (3, 64, 64)
    assert record["input"] == "small_image@64"
    for name in ("against_teacher", "against_alone"):
        gain = record[name]["gain"]
        assert gain["low"] <= gain["value"] <= gain["high"]
    assert record["epochs_alone"] > record["epochs"] == 4  # the teacher's answers take time, too
    kinds = [trial["hyperparameters"].get("training") for trial in trials]
    assert kinds == [None, "distilled", "alone"]
    assert [trial["chosen"] for trial in trials] == [False, True, False]


def test_the_shipped_student_answers_as_its_exported_network(distilled, store):
    arrays = unpack_arrays(store.get(distilled.files["weights.npz"]))

    network = assemble("small_image", arrays)

    assert arrays["backbone.units.0.convolution.weight"].shape[0] == 16  # one network, not folds
    assert network.state_dict().keys() == arrays.keys()


def test_equal_students_are_equal_to_the_last_bit(distilled, dataset, store, ray_running, tmp_path):
    from dataclasses import replace

    again = trained(
        dataset, store, replace(ray_running, scratch=tmp_path), distil=STUDENT, patience=9
    )

    assert again.files["weights.npz"] == distilled.files["weights.npz"]


def test_a_pruned_network_ships_with_its_widths(dataset, store, ray_running):
    prune = Prune(share=0.4, epochs=1, views=0, ship="always")

    model = trained(dataset, store, ray_running, prune=prune)

    record = model.selection["pruning"]
    before, after = record["multiply_adds"]
    arrays = unpack_arrays(store.get(model.files["weights.npz"]))
    assert model.family == "efficientnet_lite0"
    assert 0.4 <= 1 - after / before < 0.45
    for name, (_, width) in record["widths"].items():
        assert width in arrays[name].shape[:2]
    windows = np.zeros((1, 3, 64, 64), np.float32)
    import paddle

    assert assemble(model.family, arrays)(paddle.to_tensor(windows)).shape == [1, 3]


@pytest.mark.slow
def test_weights_that_were_pruned_by_magnitude_are_zero_after_training(dataset, store, ray_running):
    prune = Prune(by="magnitude", share=0.6, epochs=1, views=0, ship="always")

    model = trained(dataset, store, ray_running, prune=prune)

    record = model.selection["pruning"]
    arrays = unpack_arrays(store.get(model.files["weights.npz"]))
    layers = [
        array for name, array in arrays.items() if array.ndim == 4 and name.endswith("weight")
    ]
    assert len(layers) > 20
    for layer in layers:
        assert float((layer == 0).mean()) == pytest.approx(0.6, abs=0.02)
    before, after = record["multiply_adds"]
    assert before == after, "it is no faster"
    assert record["zip_bytes"][1] < 0.6 * record["zip_bytes"][0]


@pytest.mark.slow
def test_a_finetuned_network_teaches_a_published_student_and_its_pruned_self(
    dataset, store, ray_running
):
    model = trained(
        dataset,
        store,
        ray_running,
        epochs=2,
        metric="log_loss",
        search_space=SearchSpace(
            head=("hidden",), learning_rate=Range(low=1e-6, high=1e-6)
        ),  # heads learn next to nothing, so that the fine-tuned network is chosen
        finetune=Finetune(trials=1, epochs=6, views=1, search_space=SPACE),
        distil=Distil(family="efficientnet_lite1", epochs=1, views=1),
        prune=Prune(share=0.3, by="fpgm", epochs=1, views=0, ship="always"),
    )

    trials = json.loads(store.get(model.files["trials.json"]))
    kinds = {trial["hyperparameters"].get("training"): trial for trial in trials}
    assert kinds["pruned"]["chosen"]
    assert kinds["distilled"]["hyperparameters"]["input"] == "efficientnet_lite1@64"
    assert [trial["phase"] for trial in trials] == [1, 2, 3, 3, 3]
    assert not model.selection["distillation"]["ships"]  # it is no lighter than its teacher
    baselines = {each.get("training") for each in model.selection["finalists"]}
    assert baselines == {None, "distilled", "alone"}
