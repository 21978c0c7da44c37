"""Solar cells under electroluminescence: 2,624 photos, functional or defective."""

import csv
import io
import zipfile
from pathlib import Path, PurePosixPath

from stages.etl import archive as zips
from stages.fetching import Archive
from stages.runtime.errors import Damaged
from stages.samples import SampleData

HOME = PurePosixPath("elpv_dataset/data")


def lay_out(folder: Path, archive: Path | None) -> None:
    """Write images/ and labels.csv with file, label, probability and cell type.

    The experts' probability of a defect is 0, 1/3, 2/3 or 1; from one half on a cell is defective,
    as published: functional are those with 0 and 1/3 (Deitsch et al., 2019, table 1)."""
    if archive is None:
        raise Damaged("The package of the solar cells is missing.", "Run the command again.")
    with zipfile.ZipFile(archive) as package:
        lines = package.read(str(HOME / "labels.csv")).decode().splitlines()
    zips.unpack(archive, folder, below=str(HOME / "images"))
    (folder / "labels.csv").write_text(_table([line.split() for line in lines if line.strip()]))


def _table(lines: list[list[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "label", "probability", "cell_type"])
    for file, probability, cell_type in lines:
        label = "defective" if float(probability) >= 0.5 else "functional"
        writer.writerow([file, label, f"{float(probability):.2f}", cell_type])
    return text.getvalue()


SOLAR_CELLS = SampleData(
    name="solar_cells",
    title="Electroluminescence photos of solar cells, 300 × 300 pixels; functional or defective",
    samples=2624,
    licence="CC BY-NC-SA 4.0 (data), Apache-2.0 (code)",
    source="Python package elpv-dataset 1.0.0.post1: Buerhop-Lutz et al., EU PVSEC 2018, "
    "doi:10.4229/35thEUPVSEC20182018-5CV.3.15; Deitsch et al., Solar Energy 185, 2019, "
    "doi:10.1016/j.solener.2019.02.067",
    notice="The photos may not be used commercially, and what is made of them must carry the same "
    "licence and name its source.",
    lay_out=lay_out,
    archive=Archive(
        package="elpv-dataset",
        version="1.0.0.post1",
        file="elpv_dataset-1.0.0.post1-py3-none-any.whl",
        bytes=90_801_454,
        sha256="85e31c1126ee9b48e62d3a0232c58f58b2d189b0814a45c13642fa0415af4a4c",
    ),
)
