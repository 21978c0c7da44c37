"""Croissant: a description of the data as JSON-LD that search engines and mlcroissant read (Akhtar
et al., Croissant: a metadata format for ML-ready datasets, 2024; mlcommons.org/croissant/1.0),
beside tables of the samples and of their boxes."""

import csv
import hashlib
import json
from collections.abc import Iterator, Sequence
from mimetypes import guess_type
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from stages.etl.readers import TABLE, Row
from stages.etl.readers.delimited import guarded
from stages.etl.writers.coco_writer import CocoWriter
from stages.etl.writers.csv_writer import CsvWriter

DESCRIPTION = "croissant.json"
BOXES, SAMPLES = "boxes.csv", "samples.csv"
CORNERS = ("xmin", "ymin", "xmax", "ymax")  # by these names no reader takes it for labels
CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
Json = dict[str, Any]


class CroissantWriter:
    """Labels as labels.csv, boxes as COCO and as a table with a line for each box; croissant.json
    describes the tables and the files."""

    answers: ClassVar[tuple[str, ...]] = ("labels", "boxes")
    keeps_groups: ClassVar[bool] = True
    distinct_stems: ClassVar[bool] = False

    def folder(self, row: Row) -> str:
        return CsvWriter().folder(row)

    def annotate(self, rows: Sequence[Row], out: Path) -> None:
        if any(row.boxes for row in rows):
            CocoWriter().annotate(rows, out)
            _write(out / SAMPLES, ("file", "split", "group"), _samples(rows))
            _write(out / BOXES, ("file", "label", *CORNERS), _boxes(rows))
            tables = {SAMPLES: ("file", "split", "group"), BOXES: ("file", "label", *CORNERS)}
        else:
            CsvWriter().annotate(rows, out)
            tables = {TABLE: ("file", "label", "split", "group")}
        record = _description(rows, tables, out)
        text = json.dumps(record, indent=2, ensure_ascii=False)
        (out / DESCRIPTION).write_text(f"{text}\n", encoding="utf-8")


def _samples(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    yield from ((row.file, row.split, row.group) for row in rows)


def _boxes(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        for box in row.boxes:
            yield row.file, box.label, *(f"{edge:.4f}" for edge in box[1:])


def _write(path: Path, header: Sequence[str], lines: Iterator[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([*map(guarded, line)] for line in lines)


def _description(rows: Sequence[Row], tables: dict[str, tuple[str, ...]], out: Path) -> Json:
    labels = {row.label for row in rows if row.label}
    labels |= {box.label for row in rows for box in row.boxes}
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": out.name,
        "description": f"{len(rows)} samples with {len(labels)} labels.",
        "conformsTo": CONFORMS_TO,
        "distribution": [
            *(_file(out / name) for name in tables),
            *_file_sets(rows),
        ],
        "recordSet": [_record_set(name, columns) for name, columns in tables.items()],
    }


def _file(path: Path) -> Json:
    return {
        "@type": "cr:FileObject",
        "@id": path.name,
        "name": path.name,
        "contentUrl": path.name,
        "encodingFormat": "text/csv",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def _file_sets(rows: Sequence[Row]) -> list[Json]:
    """The files of the samples, a set for each suffix."""
    suffixes = sorted({PurePosixPath(row.file).suffix for row in rows})
    return [
        {
            "@type": "cr:FileSet",
            "@id": f"files{suffix}",
            "name": f"files{suffix}",
            "includes": f"**/*{suffix}",
            "encodingFormat": guess_type(f"x{suffix}")[0] or "application/octet-stream",
        }
        for suffix in suffixes
    ]


def _record_set(table: str, columns: Sequence[str]) -> Json:
    name = table.removesuffix(".csv")
    record: Json = {"@type": "cr:RecordSet", "@id": name, "name": name}
    if "xmin" not in columns:
        record["key"] = {"@id": f"{name}/file"}
    return {**record, "field": [_field(name, table, column) for column in columns]}


def _field(record_set: str, table: str, column: str) -> Json:
    field: Json = {
        "@type": "cr:Field",
        "@id": f"{record_set}/{column}",
        "name": column,
        "dataType": _data_type(column),
        "source": {"fileObject": {"@id": table}, "extract": {"column": column}},
    }
    if record_set == "boxes" and column == "file":
        field["references"] = {"field": {"@id": "samples/file"}}
    return field


def _data_type(column: str) -> str | list[str]:
    types = {"label": ["sc:Text", "cr:Label"], "split": ["sc:Text", "cr:Split"]}
    return "sc:Float" if column in CORNERS else types.get(column, "sc:Text")
