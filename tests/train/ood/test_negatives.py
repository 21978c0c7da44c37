"""Negatives: real files, the same for the same seed, generated from training samples or from
nothing."""

import io
from collections import Counter

import numpy as np
import pytest
import soundfile
from PIL import Image

from stages.closure import closure, code_of
from stages.config import TrainConfig
from stages.etl.manifest import Sample, samples_of
from stages.runtime.pictures import decode_picture
from stages.runtime.sounds import decode_sound
from stages.train.heads.problem import rows_of
from stages.train.ood import pictures, sounds
from stages.train.ood.negative_spec import NegativeSpec, generator_for
from stages.train.ood.negatives import USERS_OWN, kinds_of, negatives, specs_of
from tests import makers

AUTO = TrainConfig(other="auto")


def photo() -> bytes:
    return makers.picture("square", 3, side=80)


def clip() -> bytes:
    rng, out = np.random.default_rng(4), io.BytesIO()
    wave = np.sin(np.arange(12000) / 9) * np.exp(-np.arange(12000) / 3000)
    soundfile.write(out, wave + rng.normal(0, 0.01, 12000), 16000, format="WAV")
    return out.getvalue()


@pytest.mark.parametrize("kind", pictures.KINDS)
def test_a_picture_is_the_same_for_the_same_order_and_as_large_as_a_training_photo(kind: str):
    generated = [
        pictures.negative(kind, generator_for(NegativeSpec(kind, number), seed), photo)
        for number, seed in ((0, 0), (0, 0), (1, 0), (0, 1))
    ]

    assert generated[0] == generated[1]
    assert len({*generated}) == 3
    assert generated[0][1:4] == b"PNG"
    shape = np.array(decode_picture(generated[0]).shape)
    assert abs(shape - (80, 80, 3)).max() <= 14  # a whole number of pieces


@pytest.mark.parametrize("kind", sounds.KINDS)
def test_a_sound_is_the_same_for_the_same_order_and_as_long_as_a_training_clip(kind: str):
    generated = [
        sounds.negative(kind, generator_for(NegativeSpec(kind, number), 0), clip)
        for number in (0, 0, 1)
    ]
    heard = decode_sound(generated[0], 16000)

    assert generated[0] == generated[1] != generated[2]
    assert len(heard) == 12000
    assert np.isfinite(heard).all()
    assert 0 < np.abs(heard).max() <= 1


def test_pieces_no_longer_show_the_object():
    """A square, the only dark object on a light background: no dark piece of its size remains."""
    disc = Image.new("L", (96, 96), 220)
    disc.paste(20, (24, 24, 72, 72))
    out = io.BytesIO()
    disc.convert("RGB").save(out, "PNG")

    shuffled = pictures.negative(
        "shuffled", generator_for(NegativeSpec("shuffled", 0), 0), out.getvalue
    )

    dark = decode_picture(shuffled)[:, :, 0] < 100
    assert 0.15 < dark.mean() < 0.35  # it is all there
    boxes = [dark[y : y + 40, x : x + 40].mean() for y in range(0, 50, 4) for x in range(0, 50, 4)]
    assert max(boxes) < 0.8  # but nowhere together


def test_negatives_are_generated_once_from_training_samples_alone(tmp_path, monkeypatch):
    store, resources = makers.store(tmp_path), makers.resources(tmp_path)
    dataset = makers.dataset(store)
    samples = samples_of(dataset, store)
    fetched, get = [], store.get
    monkeypatch.setattr(store, "get", lambda digest: fetched.append(digest) or get(digest))

    generated = negatives(dataset, samples, AUTO, store=store, resources=resources)

    training = {sample.digest for sample in samples if sample.split == "train"}
    assert fetched
    assert {*fetched} <= training
    monkeypatch.setattr(pictures, "negative", None)  # nothing is generated again
    assert negatives(dataset, samples, AUTO, store=store, resources=resources) == generated


def test_another_store_makes_equal_ones(tmp_path):
    generated = []
    for name in ("a", "b"):
        store = makers.store(tmp_path / name)
        dataset = makers.dataset(store)
        samples = samples_of(dataset, store)
        resources = makers.resources(tmp_path)
        generated.append(negatives(dataset, samples, AUTO, store=store, resources=resources))
        assert all(store.get(sample.digest) for sample in generated[-1])

    assert generated[0] == generated[1]


def test_off_makes_none(tmp_path):
    store = makers.store(tmp_path)
    dataset = makers.dataset(store)
    samples = samples_of(dataset, store)

    assert not negatives(
        dataset, samples, TrainConfig(), store=store, resources=makers.resources(tmp_path)
    )


def test_about_as_many_as_a_label_has_as_many_of_each_kind():
    assert Counter(spec.kind for spec in specs_of("abc", 30)) == {"a": 10, "b": 10, "c": 10}
    assert len(specs_of("abc", 1)) == 6
    assert len(specs_of("abc", 1e6)) == 60


def test_a_kind_is_held_out_in_one_fold_and_other_folds_do_not_change(tmp_path):
    store = makers.store(tmp_path)
    dataset = makers.dataset(store)
    samples = samples_of(dataset, store)
    generated = [
        Sample(f"{kind}{number}", f"{kind}{number}".encode().hex(), "other", "train", kind)
        for kind in ("other/a", "other/b", "other/c", "other/d")
        for number in range(5)
    ]

    plain = rows_of(dataset, samples, views=dataset.views)
    rows = rows_of(dataset, samples, generated, dataset.views)
    keys = [sample.digest for sample in rows.samples]
    fold_of_row = rows.fold_of_row(keys, 3, 0)

    added = rows.labels == len(dataset.labels)
    assert (fold_of_row[~added] == plain.fold_of_row(keys, 3, 0)).all()
    assert added.sum() == len(generated) * (1 + dataset.views)
    folds = fold_of_row[added].reshape(4, -1)
    assert (folds == folds[:, :1]).all()
    assert len({*folds[:, 0].tolist()}) == 3


def test_negatives_of_one_modality_do_not_depend_on_code_of_another():
    code = code_of("stages.train.ood.negative_spec", pictures.negative.__module__)
    reach = closure(code.modules, set())

    assert "stages.train.ood.photo_remixes" in reach
    assert "stages.train.ood.sounds" not in reach
    assert not [name for name in reach if name.startswith(("stages.models", "stages.deploy"))]


def test_a_negative_that_was_lost_is_made_again(tmp_path):
    store, resources = makers.store(tmp_path), makers.resources(tmp_path)
    dataset = makers.dataset(store)
    samples = samples_of(dataset, store)
    generated = negatives(dataset, samples, AUTO, store=store, resources=resources)
    lost = generated[3].digest
    store.blobs.remove(f"blobs/{lost[:2]}/{lost}")

    assert negatives(dataset, samples, AUTO, store=store, resources=resources) == generated
    assert store.get(lost)


def test_a_negative_has_its_kind_and_a_persons_own_are_told_apart(tmp_path):
    store = makers.store(tmp_path)
    dataset = makers.dataset(store)
    samples = samples_of(dataset, store)
    resources = makers.resources(tmp_path)
    generated = negatives(dataset, samples, AUTO, store=store, resources=resources)
    own = Sample("mine.png", "ab", "other", "train", extra={"kind": "noise"})

    kinds = kinds_of([*samples, own, *generated])

    assert kinds.pop("ab") == USERS_OWN
    assert kinds == {sample.digest: sample.extra["kind"] for sample in generated}
    assert {*kinds.values()} == {*pictures.KINDS}
