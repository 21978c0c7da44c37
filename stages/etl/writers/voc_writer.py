"""Pascal VOC: Annotations/, JPEGImages/ and ImageSets/Main (M. Everingham et al., 2010)."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import ClassVar
from xml.sax.saxutils import escape

from stages.artifacts import Box
from stages.etl.readers import Row
from stages.etl.readers.files import size_of
from stages.etl.writers import SPLIT_FOLDERS

PICTURES, CHANNELS = "JPEGImages", 3


class VocWriter:
    """An XML for each picture; pixels are counted from 1, as in VOC."""

    answers: ClassVar[tuple[str, ...]] = ("boxes",)
    keeps_groups: ClassVar[bool] = False
    distinct_stems: ClassVar[bool] = True

    def folder(self, row: Row) -> str:
        return PICTURES

    def annotate(self, rows: Sequence[Row], out: Path) -> None:
        for name in ("Annotations", "ImageSets/Main"):
            (out / name).mkdir(parents=True, exist_ok=True)
        for row in rows:
            path = out / "Annotations" / f"{PurePosixPath(row.file).stem}.xml"
            path.write_text(_annotation(row, out), encoding="utf-8")
        for split in sorted({row.split for row in rows} - {""}):
            stems = [PurePosixPath(row.file).stem for row in rows if row.split == split]
            path = out / "ImageSets" / "Main" / f"{SPLIT_FOLDERS[split]}.txt"
            path.write_text("".join(f"{stem}\n" for stem in stems), encoding="utf-8")


def _annotation(row: Row, out: Path) -> str:
    size = size_of(out / row.file)
    sides = f"<width>{size[0]}</width><height>{size[1]}</height>" if size else ""
    lines = [
        "<annotation>",
        f"  <folder>{PICTURES}</folder>",
        f"  <filename>{escape(PurePosixPath(row.file).name)}</filename>",
        f"  <size>{sides}<depth>{CHANNELS}</depth></size>",
        "  <segmented>0</segmented>",
        *map(_object, row.boxes),
        "</annotation>",
    ]
    return "\n".join(lines) + "\n"


def _object(box: Box) -> str:
    edges = (box.left + 1, box.top + 1, box.right, box.bottom)
    corners = "".join(
        f"<{name}>{_number(edge)}</{name}>"
        for name, edge in zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True)
    )
    return (
        f"  <object><name>{escape(box.label)}</name><pose>Unspecified</pose>"
        f"<truncated>0</truncated><difficult>0</difficult><bndbox>{corners}</bndbox></object>"
    )


def _number(value: float) -> str:
    """A coordinate, whole where it is; to four decimals, as readers round."""
    return f"{value:.4f}".rstrip("0").rstrip(".")
