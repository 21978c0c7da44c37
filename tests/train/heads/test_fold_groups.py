"""Samples that look as if taken together are held out together, and no guess goes too far."""

import numpy as np

from stages.etl.manifest import Sample
from stages.train.heads.fold_groups import fold_groups, in_guessed_groups
from stages.train.heads.windows import Windows

RNG = np.random.default_rng(0)


def sample(number: int, label: str, file: str = "", group: str = "") -> Sample:
    return Sample(
        file=file or f"{label}/{number:x}z.jpg", digest=f"d{number}", label=label, group=group
    )


def samples(count: int) -> list[Sample]:
    return [sample(number, "ab"[number % 2]) for number in range(count)]


def independent(count: int) -> np.ndarray:
    return RNG.normal(size=(count, 64)).astype(np.float32)


def test_independent_samples_are_groups_of_their_own():
    some = samples(40)

    keys = fold_groups(some, independent(40))

    assert keys == [each.digest for each in some]
    assert in_guessed_groups(some, keys) == 0


def test_photos_of_one_object_are_in_one_group():
    some, features = samples(40), independent(40)
    for copy in (2, 4):  # label a, as sample 0
        features[copy] = features[0] + 0.01 * RNG.normal(size=64)

    keys = fold_groups(some, features)

    assert keys[0] == keys[2] == keys[4]
    assert len(set(keys)) == 38
    assert in_guessed_groups(some, keys) == 3


def test_the_like_of_another_label_says_how_alike_is_too_alike():
    some, features = samples(40), independent(40)
    features[2] = features[0] + 0.3 * RNG.normal(size=64)  # of one label, alike
    features[5] = features[7] + 0.01 * RNG.normal(size=64)  # of one label, more alike
    features[9] = features[4] + 0.1 * RNG.normal(size=64)  # of two labels, in between

    keys = fold_groups(some, features)

    assert keys[0] != keys[2]
    assert keys[5] == keys[7]
    assert keys[9] != keys[4]


def test_labels_are_compared_though_the_first_samples_have_one_label(monkeypatch):
    monkeypatch.setattr("stages.train.heads.fold_groups.PROBES", 30)
    some, features = [sample(number, "ab"[number >= 60]) for number in range(120)], independent(120)
    features[60:] = features[0] + 0.01 * RNG.normal(size=(60, 64))  # b looks like sample 0 of a
    features[2] = features[0] + 0.2 * RNG.normal(size=64)  # less alike

    assert fold_groups(some, features)[2] != fold_groups(some, features)[0]


def test_no_guess_holds_more_than_a_quarter_of_a_label():
    some, features = samples(40), independent(40)
    features[0:24:2] = features[0] + 0.01 * RNG.normal(size=(12, 64))  # 12 of 20 of label a

    keys = fold_groups(some, features)

    assert keys == [each.digest for each in some]


def test_names_with_times_that_follow_each_other_are_one_group():
    files = [
        f"shop/IMG_20240301_10{minute:02}{second:02}.jpg"
        for minute in range(10)
        for second in (0, 4, 8)
    ]
    some = [sample(number, "a", file) for number, file in enumerate(files)]

    keys = fold_groups(some, independent(30))

    assert [keys[start] == keys[start + 2] for start in range(0, 30, 3)] == [True] * 10
    assert len(set(keys)) == 10


def test_names_say_nothing_where_the_data_names_groups():
    files = [f"frame_{number:04}.jpg" for number in range(40)]
    some = [sample(n, "a", file, f"video{n % 8}") for n, file in enumerate(files)]

    keys = fold_groups(some, independent(40))

    assert keys == [each.group for each in some]


def test_named_groups_stay_whole_when_two_of_them_are_joined():
    some = [sample(number, "ab"[number % 2], group=f"g{number // 4}") for number in range(80)]
    features = independent(80)
    features[8] = features[0] + 0.01 * RNG.normal(size=64)

    keys = fold_groups(some, features)

    assert len(set(keys[:4] + keys[8:12])) == 1
    assert len(set(keys)) == 19


def test_windows_of_networks_from_scratch_are_not_compared():
    windows = Windows.of([np.zeros((1, 4, 4), np.float32)] * 6)

    assert fold_groups(samples(6), windows) == [f"d{number}" for number in range(6)]
