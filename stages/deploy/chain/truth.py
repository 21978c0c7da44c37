"""What a chain is measured on: the test photos of its detector's data, and the final label of each
of their boxes, where that is known.

The truth is that of the detector's own data if each of its labels is one that the chain answers;
else it is an annotation of the same photos that a person names. Photos whose crops the classifier
was trained on are not counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stages.artifacts import Box, Dataset
from stages.deploy.chain.chain_content import MARGIN
from stages.deploy.chain.parts import ChainPart
from stages.etl.crops import margin_of
from stages.etl.manifest import NAMED, Sample, samples_of
from stages.evaluate.formatting import are, counted, listed
from stages.runtime.errors import ConfigError
from stages.store import Store

Annotations = Mapping[str, Sequence[Box]]  # by the digest of the photo


@dataclass(frozen=True)
class ChainTest:
    """`samples`: the photos, whose boxes have final labels if `measurable`. `source`: what the
    truth is, or why there is none, as a sentence. `excluded`: photos that are not counted, as the
    classifier knows crops of them; `unannotated`: those that the truth does not name."""

    samples: tuple[Sample, ...]
    measurable: bool
    source: str
    excluded: int = 0
    unannotated: int = 0

    @property
    def notes(self) -> list[str]:
        """What is not counted, as sentences."""
        notes = []
        if self.excluded:
            notes.append(
                f"{counted(self.excluded, 'test photo')} {are(self.excluded)} not counted: the "
                "classifier was trained on crops of them."
            )
        if self.unannotated:
            notes.append(
                f"{counted(self.unannotated, 'test photo')} {are(self.unannotated)} not counted: "
                "the truth that was named has no annotation of them."
            )
        return notes


def chain_test(
    detector: ChainPart,
    classifier: ChainPart,
    labels: Sequence[str],
    store: Store,
    further: tuple[str, Annotations] | None = None,
) -> ChainTest:
    """The test of a chain that answers `labels`. `further`: the name of annotations that a person
    gives, and the boxes by photo."""
    dataset = dataset_of(detector, store)
    if dataset is None:
        return ChainTest(
            (), False, "Nothing is measured: the detector's data are not in the store."
        )
    photos = samples_of(dataset, store, "test")
    trained = _trained_groups(classifier, store)
    clean = [photo for photo in photos if not _keys(photo) & trained]
    excluded = len(photos) - len(clean)
    name, annotations = further or (str(dataset.ref), _own(clean))
    annotated = [
        replace(photo, boxes=tuple(annotations[photo.digest]))
        for photo in clean
        if photo.digest in annotations
    ]
    unknown = sorted({box.label for photo in annotated for box in photo.boxes} - set(labels))
    if unknown or not any(photo.boxes for photo in annotated):
        return ChainTest(tuple(clean), False, _why(name, unknown, clean), excluded)
    source = f"The truth is the label of each box in {name}."
    return ChainTest(tuple(annotated), True, source, excluded, len(clean) - len(annotated))


def dataset_of(part: ChainPart, store: Store) -> Dataset | None:
    """The data that `part` was trained on; None if the store does not have them."""
    ref = part.origin("dataset")
    if ref is None or not store.holds(ref):
        return None
    dataset: Dataset = store.load(ref)
    return dataset


def margin_for(classifier: ChainPart, store: Store) -> float:
    """The margin around a box for `classifier`: that of its own crops, or the usual one."""
    found = trained_margin(classifier, store)
    return MARGIN if found is None else found


def trained_margin(classifier: ChainPart, store: Store) -> float | None:
    """The margin around the boxes whose crops `classifier` was trained on; None if its data do not
    say."""
    dataset = dataset_of(classifier, store)
    return margin_of(samples_of(dataset, store)) if dataset else None


def annotations_in(dataset: Dataset, store: Store) -> Annotations:
    """The boxes of each photo of `dataset`, by the photo's digest. Raises ConfigError if there are
    none."""
    found = _own(samples_of(dataset, store))
    if not any(found.values()):
        raise ConfigError(f"{dataset.ref} has no boxes.", "Name data whose photos are annotated.")
    return found


def _own(photos: Sequence[Sample]) -> Annotations:
    return {photo.digest: photo.boxes for photo in photos}


def _keys(photo: Sample) -> set[str]:
    """The groups that crops of `photo` have in a data set of crops, and the photo itself."""
    return {photo.digest, f"{NAMED}{photo.digest}", *([photo.group] if photo.group else [])}


def _trained_groups(classifier: ChainPart, store: Store) -> frozenset[str]:
    """The groups and digests of the samples that the classifier was trained or chosen with."""
    dataset = dataset_of(classifier, store)
    if dataset is None:
        return frozenset()
    learnt = [sample for sample in samples_of(dataset, store) if sample.split != "test"]
    return frozenset(key for sample in learnt for key in (sample.group, sample.digest) if key)


def _why(name: str, unknown: Sequence[str], photos: Sequence[Sample]) -> str:
    if not photos:
        why = "the classifier was trained on crops of every test photo of the detector"
    elif unknown:
        why = (
            f"the boxes in {name} have labels that the chain does not answer "
            f"({listed(unknown, 'label')})"
        )
    else:
        why = f"no box of a test photo is annotated in {name}"
    return (
        f"The chain's figure is not measured: {why}. Annotate these photos with the final labels, "
        "add them as data, and name them with --truth."
    )
