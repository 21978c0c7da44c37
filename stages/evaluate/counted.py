"""Which of a person's samples can be counted, and why each other one cannot."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path

from stages.artifacts import digest_of
from stages.config import EtlConfig
from stages.etl.manifest import Sample
from stages.etl.placing import placed
from stages.etl.readers import Row
from stages.evaluate.words import counted
from stages.media import Modality
from stages.runtime.errors import BadSample, DataError

Aside = list[tuple[str, str]]  # a file's name, and why it is not counted


def check_labels(rows: Sequence[Row], labels: Sequence[str]) -> None:
    """Raise DataError if a label of `rows` is none of `labels`, with what may have been meant."""
    strange = sorted({label for row in rows for label in _labels(row)} - set(labels))
    if not strange:
        return
    hints = "".join(_hint(one, labels) for one in strange[:5])
    raise DataError(
        f"The model does not know {counted(len(strange), 'label')} of yours: "
        f"{', '.join(repr(one) for one in strange[:10])}.",
        f"{hints}It knows: {', '.join(labels)}.",
    )


def _labels(row: Row) -> list[str]:
    return [row.label] if row.label else [box.label for box in row.boxes]


def _hint(name: str, labels: Sequence[str]) -> str:
    spelt = {one.lower(): one for one in labels}
    near = get_close_matches(name.lower(), spelt, n=1, cutoff=0.5)
    return f"For '{name}': did you mean '{spelt[near[0]]}'? " if near else ""


def countable(
    folder: Path,
    rows: Sequence[Row],
    known: frozenset[str],
    modality: Modality,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[Sample], Aside]:
    """The rows that tell something new, as samples, and the others with the reason.

    `known` are digests of samples that the model has learnt from."""
    samples: list[Sample] = []
    bad: dict[str, str] = {}
    for done, row in enumerate(rows):
        progress(done, len(rows))
        try:
            samples.append(_sample(folder, row, modality))
        except BadSample as error:
            bad[row.file] = error.problem
    return _new(samples, known, modality.noun, bad)


def _sample(folder: Path, row: Row, modality: Modality) -> Sample:
    """`row` with its boxes on the picture. Raises BadSample for boxes that are not."""
    data = (folder / row.file).read_bytes()
    found = placed(row, modality.inspect(data, EtlConfig()) if row.boxes else {})
    if found.problem:
        raise BadSample(found.problem, "Correct the annotation.")
    return Sample(row.file, digest_of(data), row.label, boxes=found.boxes, extra=row.extra)


def _new(
    samples: Sequence[Sample], known: frozenset[str], thing: str, bad: dict[str, str]
) -> tuple[list[Sample], Aside]:
    said: dict[str, list[Sample]] = {}
    for one in samples:
        said.setdefault(one.digest, []).append(one)
    reasons = {one.file: _why_not(one, said[one.digest], known, thing) for one in samples}
    aside = [(name, why) for name, why in {**reasons, **bad}.items() if why]
    return [one for one in samples if not reasons[one.file]], sorted(aside)


def _why_not(sample: Sample, alike: Sequence[Sample], known: frozenset[str], thing: str) -> str:
    """`alike`: all with the same bytes, in order."""
    if sample.digest in known:
        return f"the model was trained or chosen with this very {thing}"
    labels = sorted({one.label for one in alike})
    if len(labels) > 1:
        return f"the same {thing} is under {' and '.join(repr(one) for one in labels)}"
    if len({one.boxes for one in alike}) > 1:
        return f"the same {thing} is annotated in more than one way"
    return f"the same {thing} as {alike[0].file}" if sample is not alike[0] else ""
