"""Writes the same annotated pictures in each layout that people bring boxes in."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from stages.artifacts import Box
from tests import makers

WIDTH, HEIGHT = 80, 60
BOXES: dict[str, tuple[Box, ...]] = {
    "a.png": (Box("cat", 10.0, 20.0, 40.0, 50.0), Box("dog", 4.0, 5.0, 24.0, 25.0)),
    "b 日本.png": (Box("dog", 30.0, 6.0, 50.0, 36.0),),
    "empty.png": (),
}
LABELS = ("cat", "dog")


def picture(seed: int = 0) -> bytes:
    return makers.ground(WIDTH, HEIGHT, seed)


def coco(folder: Path, boxes: Mapping[str, tuple[Box, ...]] = BOXES) -> Path:
    """images/ and annotations.json."""
    record = makers.CocoText(LABELS)
    for seed, (name, some) in enumerate(boxes.items()):
        put(folder / "images" / name, picture(seed))
        record.add(name, WIDTH, HEIGHT, some)
    put_json(folder / "annotations.json", record.record())
    return folder


def voc(folder: Path, boxes: Mapping[str, tuple[Box, ...]] = BOXES) -> Path:
    """Annotations/ and JPEGImages/."""
    for seed, (name, some) in enumerate(boxes.items()):
        put(folder / "JPEGImages" / name, picture(seed))
        put(folder / "Annotations" / f"{Path(name).stem}.xml", xml(name, some).encode())
    return folder


def xml(name: str, boxes: tuple[Box, ...], size: tuple[int, int] = (WIDTH, HEIGHT)) -> str:
    """An annotation by Pascal VOC's rules, which count pixels from 1."""
    objects = "".join(
        f"<object>\n<name>{escape(box.label)}</name>\n<bndbox><xmin>{box.left + 1:g}</xmin>"
        f"<ymin>{box.top + 1:g}</ymin><xmax>{box.right:g}</xmax><ymax>{box.bottom:g}</ymax>"
        "</bndbox>\n</object>\n"
        for box in boxes
    )
    sides = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
    return f"<annotation>\n<filename>{escape(name)}</filename>\n{sides}\n{objects}</annotation>\n"


def yolo(folder: Path, boxes: Mapping[str, tuple[Box, ...]] = BOXES) -> Path:
    """images/, labels/ and classes.txt; no txt for a picture without boxes."""
    for seed, (name, some) in enumerate(boxes.items()):
        put(folder / "images" / name, picture(seed))
        if some:
            put(folder / "labels" / f"{Path(name).stem}.txt", lines(some).encode())
    put(folder / "classes.txt", "\n".join(LABELS).encode())
    return folder


def lines(boxes: tuple[Box, ...]) -> str:
    return "".join(
        f"{LABELS.index(box.label)} {(box.left + box.right) / 2 / WIDTH:.6f} "
        f"{(box.top + box.bottom) / 2 / HEIGHT:.6f} {(box.right - box.left) / WIDTH:.6f} "
        f"{(box.bottom - box.top) / HEIGHT:.6f}\n"
        for box in boxes
    )


def label_studio(folder: Path, boxes: Mapping[str, tuple[Box, ...]] = BOXES) -> Path:
    """images/ and export.json, which knows the pictures by addresses of its server."""
    tasks = []
    for seed, (name, some) in enumerate(boxes.items()):
        put(folder / "images" / name, picture(seed))
        results = [rectangle(box) for box in some]
        data = {"image": f"/data/upload/1/0123abcd-{name}"}
        tasks.append({"id": seed, "data": data, "annotations": [{"id": seed, "result": results}]})
    put_json(folder / "export.json", tasks)
    return folder


def rectangle(box: Box, **value: Any) -> dict[str, Any]:
    """A result of Label Studio: percent of the picture's sides."""
    sides = {
        "x": 100 * box.left / WIDTH,
        "y": 100 * box.top / HEIGHT,
        "width": 100 * (box.right - box.left) / WIDTH,
        "height": 100 * (box.bottom - box.top) / HEIGHT,
    }
    return {
        "id": "r",
        "type": "rectanglelabels",
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "value": {**sides, "rotation": 0, "rectanglelabels": [box.label], **value},
    }


def cvat(folder: Path, boxes: Mapping[str, tuple[Box, ...]] = BOXES) -> Path:
    """images/ and annotations.xml, as "CVAT for images" writes them."""
    images = []
    for seed, (name, some) in enumerate(boxes.items()):
        put(folder / "images" / name, picture(seed))
        shapes = "".join(
            f'<box label="{escape(box.label)}" occluded="0" xtl="{box.left:g}" ytl="{box.top:g}" '
            f'xbr="{box.right:g}" ybr="{box.bottom:g}" z_order="0"></box>\n'
            for box in some
        )
        sides = f'width="{WIDTH}" height="{HEIGHT}"'
        images.append(f'<image id="{seed}" name="{escape(name)}" {sides}>\n{shapes}</image>\n')
    put(folder / "annotations.xml", cvat_xml("".join(images)).encode())
    return folder


def cvat_xml(images: str) -> str:
    head = '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n'
    return f"{head}{images}</annotations>\n"


BOXED = {"coco": coco, "voc": voc, "yolo": yolo, "label_studio": label_studio, "cvat": cvat}


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def put_json(path: Path, record: Any) -> None:
    put(path, json.dumps(record).encode())
