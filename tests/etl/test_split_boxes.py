"""How pictures with boxes are split: by their rarest label, negatives too, groups whole."""

import json
from collections import Counter, defaultdict

from tests import layouts, makers


def test_each_label_and_pictures_without_boxes_are_in_every_split(workshop):
    makers.folder_of_boxes(workshop.raw, 72)

    dataset = workshop.make(task="object_detection")

    samples = workshop.samples(dataset)
    without = Counter(sample.split for sample in samples if not sample.boxes)
    assert without.keys() == dataset.counts.keys()
    for counts in dataset.counts.values():
        assert min(counts[label] for label in makers.LABELS) > 0
    for split, counts in dataset.counts.items():
        counted = Counter(
            box.label for sample in samples if sample.split == split for box in sample.boxes
        )
        assert counted == {label: count for label, count in counts.items() if count}
    assert dataset.samples == Counter(sample.split for sample in samples)


def test_a_rare_label_reaches_every_split_though_others_are_with_it(workshop):
    record = makers.CocoText(("common", "rare"))
    for index in range(60):
        _, boxes = makers.scene(8 * index, most=1)
        common = tuple(box._replace(label="common") for box in boxes)
        rare = tuple(box._replace(label="rare", right=box.left + 9.0) for box in boxes)
        layouts.put(workshop.raw / f"{index}.png", makers.scene(8 * index, most=1)[0])
        record.add(f"{index}.png", 96, 96, (*common, *(rare if index % 7 == 0 else ())))
    layouts.put_json(workshop.raw / "all.json", record.record())

    dataset = workshop.make(task="object_detection")

    assert min(counts["rare"] for counts in dataset.counts.values()) >= 1


def test_a_group_is_never_parted(workshop):
    makers.folder_of_boxes(workshop.raw, 60)
    path = workshop.raw / "annotations.json"
    record = json.loads(path.read_text())
    for index, image in enumerate(record["images"]):
        image["group"] = f"film {index // 3}"
    layouts.put_json(path, record)

    dataset = workshop.make(task="object_detection")

    homes = defaultdict(set)
    for sample in workshop.samples(dataset):
        homes[sample.group].add(sample.split)
    assert len(homes) == 20
    assert all(len(splits) == 1 for splits in homes.values())
