"""Which of a person's samples can be counted, and why each other one cannot."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path

from stages.artifacts import digest_of
from stages.config import EtlConfig
from stages.etl.manifest import NAMED, Sample
from stages.etl.placing import placed
from stages.etl.readers import Row
from stages.evaluate.formatting import counted
from stages.media import Modality
from stages.runtime.errors import BadSample, DataError

Quarantined = list[tuple[str, str]]  # a file's name, and why it is not counted


def check_labels(rows: Sequence[Row], labels: Sequence[str]) -> None:
    """Raise DataError if a label of `rows` is none of `labels`, with what may have been meant."""
    unknown = sorted({label for row in rows for label in _labels(row)} - set(labels))
    if not unknown:
        return
    hints = "".join(_hint(label, labels) for label in unknown[:5])
    raise DataError(
        f"The model does not know {counted(len(unknown), 'label')} of yours: "
        f"{', '.join(repr(label) for label in unknown[:10])}.",
        f"{hints}It knows: {', '.join(labels)}.",
    )


def _labels(row: Row) -> list[str]:
    return [row.label] if row.label else [box.label for box in row.boxes]


def _hint(name: str, labels: Sequence[str]) -> str:
    spelt = {label.lower(): label for label in labels}
    near = get_close_matches(name.lower(), spelt, n=1, cutoff=0.5)
    return f"For '{name}': did you mean '{spelt[near[0]]}'? " if near else ""


def countable(
    folder: Path,
    rows: Sequence[Row],
    training_digests: frozenset[str],
    modality: Modality,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[Sample], Quarantined]:
    """The rows that can be counted, as samples, and the other files with the reason.

    `training_digests`: of samples that the model was trained or selected with."""
    samples: list[Sample] = []
    bad: dict[str, str] = {}
    for done, row in enumerate(rows):
        progress(done, len(rows))
        try:
            samples.append(_sample(folder, row, modality))
        except BadSample as error:
            bad[row.file] = error.problem
    return _new(samples, training_digests, modality.noun, bad)


def _sample(folder: Path, row: Row, modality: Modality) -> Sample:
    """`row` with its boxes on the picture. Raises BadSample for boxes that are not."""
    data = (folder / row.file).read_bytes()
    found = placed(row, modality.inspect(data, EtlConfig()) if row.boxes else {})
    if found.problem:
        raise BadSample(found.problem, "Correct the annotation.")
    group = f"{NAMED}{row.group}" if row.group else ""
    digest = digest_of(data)
    return Sample(row.file, digest, row.label, "", group, boxes=found.boxes, extra=row.extra)


def _new(
    samples: Sequence[Sample], training_digests: frozenset[str], noun: str, bad: dict[str, str]
) -> tuple[list[Sample], Quarantined]:
    by_digest: dict[str, list[Sample]] = {}
    for sample in samples:
        by_digest.setdefault(sample.digest, []).append(sample)
    reasons = {
        sample.file: _why_not(sample, by_digest[sample.digest], training_digests, noun)
        for sample in samples
    }
    quarantined = [(name, why) for name, why in {**reasons, **bad}.items() if why]
    return [sample for sample in samples if not reasons[sample.file]], sorted(quarantined)


def _why_not(
    sample: Sample, same_bytes: Sequence[Sample], training_digests: frozenset[str], noun: str
) -> str:
    """Why `sample` is not counted; empty if it is. `same_bytes`: all samples with its digest."""
    if sample.digest in training_digests:
        return f"the model was trained or chosen with this very {noun}"
    labels = sorted({copy.label for copy in same_bytes})
    if len(labels) > 1:
        return f"the same {noun} is under {' and '.join(repr(label) for label in labels)}"
    if len({copy.boxes for copy in same_bytes}) > 1:
        return f"the same {noun} is annotated in more than one way"
    return f"the same {noun} as {same_bytes[0].file}" if sample is not same_bytes[0] else ""
