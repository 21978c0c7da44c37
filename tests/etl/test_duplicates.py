"""Pictures that look the same: found when they are copies, not when they are of one kind."""

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from stages.etl.duplicates import groups_of, hashes_of, near_pairs, without_crowds
from stages.media.pictures import fingerprint_of
from stages.runtime.pictures import decode_picture
from tests import makers
from tests.runtime.painting import saved

COPIES = {
    "saved as a JPEG": lambda image: saved(image, "JPEG", quality=60),
    "half the size": lambda image: saved(image.resize((image.width // 2, image.height // 2))),
    "brighter": lambda image: saved(ImageEnhance.Brightness(image).enhance(1.1)),
    "darker": lambda image: saved(ImageEnhance.Brightness(image).enhance(0.9)),
    "more contrast": lambda image: saved(ImageEnhance.Contrast(image).enhance(1.1)),
}


def fingerprint(data: bytes) -> np.ndarray:
    return fingerprint_of(decode_picture(data))


def copy(how: str, seed: int) -> bytes:
    """A copy of the circle of `seed`, 128 pixels wide."""
    return COPIES[how](Image.open(io.BytesIO(makers.picture("circle", seed, side=128))))


def digit_fingerprints(count: int = 1797) -> list[np.ndarray]:
    from sklearn.datasets import load_digits

    scans = np.rint(load_digits().images[:count] * (255 / 16)).astype(np.uint8)
    return [fingerprint_of(np.repeat(scan[:, :, None], 3, axis=2)) for scan in scans]


def cells(count: int) -> list[np.ndarray]:
    """Pictures of one kind: the same bars and frame, each with noise and scratches of its own."""
    fingerprints = []
    for index in range(count):
        rng = np.random.default_rng(index)
        values = rng.normal(170, 6, (128, 128))
        values[::32] -= 80
        values[:6] = values[-6:] = 40
        for _ in range(3):
            x, y = rng.integers(8, 120, 2)
            values[y : y + 30, x : x + 3] -= 40
        grey = np.clip(values, 0, 255).astype(np.uint8)
        fingerprints.append(fingerprint_of(np.repeat(grey[:, :, None], 3, axis=2)))
    return fingerprints


@pytest.mark.parametrize("how", list(COPIES))
def test_a_copy_is_found(how):
    originals = [makers.picture("circle", seed, side=128) for seed in range(20)]
    copies = [COPIES[how](Image.open(io.BytesIO(data))) for data in originals]

    pairs = near_pairs([fingerprint(data) for data in [*originals, *copies]])

    assert {(first, other) for first, other in pairs.tolist()} == {(i, i + 20) for i in range(20)}


def test_different_digits_are_no_copies_however_alike():
    assert len(near_pairs(digit_fingerprints())) == 0


def test_pictures_of_one_kind_are_no_copies():
    assert len(near_pairs(cells(150))) == 0


def test_one_soft_scene_with_different_small_things_makes_no_copies():
    blobs = np.random.default_rng(0).integers(20, 230, (4, 4), dtype=np.uint8)
    scene = np.array(Image.fromarray(blobs).resize((64, 64), Image.Resampling.BICUBIC), np.int64)
    fingerprints = []
    for seed in range(60):
        marked = scene.copy()
        for x, y in np.random.default_rng(seed).integers(4, 58, (3, 2)):
            marked[y : y + 3, x : x + 3] += 45
        fingerprints.append(np.clip(marked, 0, 255).astype(np.uint8))

    assert len(near_pairs(fingerprints)) == 0


def test_pictures_of_one_colour_are_no_copies_of_each_other():
    flat = [fingerprint_of(np.full((40, 40, 3), level, np.uint8)) for level in (0, 128, 255)]

    assert len(near_pairs(flat)) == 0


def test_the_hash_is_the_usual_perceptual_hash():
    import imagehash

    pictures = [makers.picture("square", seed, side=128) for seed in range(50)]
    usual = [imagehash.phash(Image.open(io.BytesIO(data))).hash.ravel() for data in pictures]

    ours = hashes_of(np.stack([fingerprint(data) for data in pictures]))

    theirs = np.packbits(np.stack(usual), axis=1).view(np.uint64).ravel()
    assert np.bitwise_count(ours ^ theirs).mean() < 3  # of 64; theirs scales with another filter


def test_no_pictures_have_no_pairs():
    assert near_pairs([]).shape == (0, 2)


def test_groups_are_what_pairs_join():
    assert groups_of(6, np.array([[4, 5], [1, 4], [2, 3]])) == [0, 1, 2, 2, 1, 1]


def test_a_crowd_is_not_grouped_but_pairs_beside_it_are():
    crowded = [[index, index + 1] for index in range(30)]

    pairs, inside = without_crowds(100, np.array([*crowded, [50, 51]]))

    assert pairs.tolist() == [[50, 51]]
    assert inside == set(range(31))


def test_pictures_before_a_fixed_camera_can_be_split(workshop):
    scene = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for label, level in (("empty", 0), ("full", 255)):
        for index in range(20):
            shot = scene.copy()
            shot[30:32, 30:32] = (level, 5 * index, 0)
            workshop.write(f"{label}/{index}.png", saved(Image.fromarray(shot)))

    dataset = workshop.make()

    assert [finding.check for finding in dataset.findings] == ["samples can be told apart"]
    assert all(count for split in dataset.counts.values() for count in split.values())


def test_near_duplicates_share_a_split_and_are_told_across_labels(workshop):
    makers.folder_of_pictures(workshop.raw, 12, side=128)
    for index in range(12):
        workshop.write(f"circle/small {index:03}.jpg", copy("saved as a JPEG", index))
    workshop.write("square/wrong.png", copy("brighter", 0))

    dataset = workshop.make()

    splits = {sample.file: sample.split for sample in workshop.samples(dataset)}
    for index in range(12):
        assert splits[f"circle/small {index:03}.jpg"] == splits[f"circle/{index:03}.png"]
    assert [finding.check for finding in dataset.findings] == ["no near duplicates across labels"]
    assert set(dataset.findings[0].samples) == {
        "circle/000.png", "circle/small 000.jpg", "square/wrong.png",
    }  # fmt: skip


def test_near_duplicates_between_given_splits_are_told(workshop):
    lines = ["file,label,split"]
    for label in ("circle", "square"):
        for index in range(12):
            workshop.write(f"{label}{index}.png", makers.picture(label, index, side=128))
            lines.append(f"{label}{index}.png,{label},{('train', 'validation', 'test')[index % 3]}")
    workshop.write("copy.jpg", copy("saved as a JPEG", 2))
    workshop.write("labels.csv", "\n".join([*lines, "copy.jpg,circle,train"]).encode())

    dataset = workshop.make()

    assert [finding.check for finding in dataset.findings] == ["no near duplicates across splits"]
    assert set(dataset.findings[0].samples) == {"circle2.png", "copy.jpg"}


def test_they_are_not_looked_for_when_the_config_says_so(workshop):
    makers.folder_of_pictures(workshop.raw, 10, side=128)
    workshop.write("square/copy.jpg", copy("saved as a JPEG", 0))

    dataset = workshop.make(near_duplicates=False)

    assert dataset.findings == ()


def test_samples_of_one_group_share_a_split(workshop):
    lines = ["file,label,group"]
    for label in ("circle", "square"):
        for index in range(30):
            workshop.write(f"{label}{index}.png", makers.picture(label, index))
            lines.append(f"{label}{index}.png,{label},visit {index % 10}")
    workshop.write("labels.csv", "\n".join(lines).encode())

    samples = workshop.samples(workshop.make())

    homes: dict[str, set[str]] = {}
    for sample in samples:
        homes.setdefault(sample.group, set()).add(sample.split)
    assert len(homes) == 10
    assert all(len(splits) == 1 for splits in homes.values())


def test_a_sample_keeps_its_split_when_the_data_grows(workshop):
    workshop.shapes(40)
    before = {sample.file: sample.split for sample in workshop.samples(workshop.make())}
    for label in makers.LABELS:
        for index in range(20):
            workshop.write(f"{label}/new{index}.png", makers.picture(label, 1000 + index))

    after = {sample.file: sample.split for sample in workshop.samples(workshop.make())}

    assert len(after) == 180
    assert {name: after[name] for name in before} == before
