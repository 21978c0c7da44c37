"""Handwritten digits: 1,797 scans of 8 by 8 pixels that come with scikit-learn."""

from collections import Counter
from pathlib import Path

from stages.samples import SampleData

SIDE = 32


def lay_out(folder: Path, archive: Path | None) -> None:
    """Write each scan as a PNG of 32 by 32 pixels into the folder of its digit."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    counts: Counter[int] = Counter()
    for scan, label in zip(digits.images, digits.target.tolist(), strict=True):
        grey = np.rint(scan * (255 / 16)).astype(np.uint8)  # 17 levels, black ground
        picture = Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        place = folder / str(label)
        place.mkdir(exist_ok=True)
        picture.save(place / f"{counts[label]:03}.png")
        counts[label] += 1


DIGITS = SampleData(
    name="digits",
    title="Handwritten digits, 8 × 8 pixels enlarged to 32 × 32; ten labels",
    samples=1797,
    licence="CC BY 4.0 (data), BSD-3-Clause (scikit-learn)",
    source="scikit-learn's load_digits: E. Alpaydin and C. Kaynak, Optical Recognition of "
    "Handwritten Digits, UCI Machine Learning Repository, 1998, doi:10.24432/C50P49",
    lay_out=lay_out,
)
