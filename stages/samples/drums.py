"""Drums: 121 short recordings of six instruments, one stroke each."""

import tarfile
from pathlib import Path, PurePosixPath

from stages.etl.readers.csv_table import is_outside
from stages.fetching import Archive
from stages.runtime.errors import Damaged
from stages.samples import SampleData

HOME = PurePosixPath("foxdot-0.9.0/FoxDot/snd")
SOUNDS = (".wav", ".aif")
MOST_BYTES = 10_000_000  # of one recording; the largest is below two
LABELS = {  # label -> the package's folders, which are named after keys of a keyboard
    "clap": ("_/asterix", "h/upper"),
    "hi_hat": ("_/hyphen", "_/equals", "_/colon", "a/lower", "n/lower", "n/upper"),
    "kick": ("x/lower", "x/upper", "a/upper", "w/upper", "v/lower", "v/upper"),
    "snare": ("o/lower", "o/upper", "i/lower", "i/upper", "u/lower", "d/upper"),
    "tabla": ("p/lower", "p/upper"),
    "tom": ("m/lower", "m/upper"),
}


def lay_out(folder: Path, archive: Path | None) -> None:
    """Write each recording into the folder of its instrument, named after its key and its file.

    The archive is read member by member and no code in it is run. Links, names that lead out of it
    and files that are too large are refused."""
    if archive is None:
        raise Damaged("The package of the drums is missing.", "Run the command again.")
    labels = {str(HOME / key): label for label, keys in LABELS.items() for key in keys}
    with tarfile.open(archive, "r:gz") as package:
        for member in package:
            path = PurePosixPath(member.name)
            label = labels.get(str(path.parent))
            if label and path.suffix.lower() in SOUNDS:
                _check(member)
                data = package.extractfile(member)
                place = folder / label / f"{path.parts[-3]}_{path.parts[-2]}_{path.name}"
                place.parent.mkdir(exist_ok=True)
                place.write_bytes(data.read() if data else b"")


def _check(member: tarfile.TarInfo) -> None:
    if not member.isfile() or is_outside(member.name) or member.size > MOST_BYTES:
        raise Damaged(
            f"'{member.name}' in the package is no plain sound file of a stroke.",
            "Do not use it; ask whoever runs your package index.",
        )


DRUMS = SampleData(
    name="drums",
    title="Drums and hand drums, one stroke a clip, 0.1 to 4 seconds; clap, hi-hat, kick, snare, "
    "tabla, tom",
    samples=121,
    licence="CC BY-SA 4.0 (the package; many of its recordings are CC0)",
    source="Python package foxdot 0.9.0: Ryan Kirkbride and contributors, FoxDot, whose README "
    "names the recordings' origins as far as they are known",
    notice="What is made of the recordings must name FoxDot and carry the same licence. They are "
    "few and come from a dozen drum kits, so that strokes of one kit are in all splits: scores say "
    "that the pipeline works, not how well it would know a drum kit it has never heard.",
    lay_out=lay_out,
    archive=Archive(
        package="foxdot",
        version="0.9.0",
        file="foxdot-0.9.0.tar.gz",
        bytes=37_640_939,
        sha256="f5d21aaab19c62965e5a5465ca646f1bd6274d16afd3392d7e652914194dffb1",
    ),
)
