"""Measures a packed chain from photo to label: against the truth, against its two trained models,
and beside a single detector that answers the same labels."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure, Model
from stages.config import EvaluateConfig
from stages.config.evaluate import EVERY_LABEL, LABEL_GATE
from stages.deploy.chain.parts import ChainPart
from stages.deploy.chain.truth import ChainTest
from stages.deploy.content import Content
from stages.deploy.packed import run_packed, write_folder
from stages.etl.manifest import Sample
from stages.evaluate.boxes import Boxes
from stages.evaluate.boxes.evaluation import Evaluation, matches_of
from stages.evaluate.formatting import measured
from stages.evaluate.kinds import Agreement
from stages.evaluate.native import description as native_description
from stages.evaluate.native import graph_of
from stages.evaluate.predictions import BOX_COLUMNS, Predicted, Progress, answers, groups_of
from stages.evaluate.sure import PRECISION, SureAnswers
from stages.metrics.boxes import Matches, paired_ap_drop
from stages.metrics.clusters import Clusters, clusters_of, share
from stages.metrics.paired import paired_drop
from stages.parts import ENGINES
from stages.runtime.answers.sure import Sure
from stages.runtime.chain import ChainPredictor
from stages.runtime.errors import DataError
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, seal
from stages.store import Store

SHOWN_FROM = 0.0  # a chain's answer has no box that its detector does not show
SURE_COLUMN = 9  # of a chain's row


@dataclass(frozen=True)
class SureOfBoth(SureAnswers):
    """Which boxes of a chain are sure: those of which both networks are. `right`: the share of the
    sure boxes that is right; `share`: of the shown boxes, those that are sure."""

    @property
    def title(self) -> str:
        return "A box is sure if both networks are sure of it"

    @property
    def summary(self) -> str:
        if not self.share.n or not self.right.n:
            return "A box is sure if both networks are sure of it: none is in this test."
        return (
            f"A box is sure if both networks are sure of it: {measured(self.share)} of the boxes "
            f"are, and {measured(self.right)} of these are right."
        )


class MetricPair(NamedTuple):
    """A metric of a single detector and of the chain on the same photos; `gain` of the chain, by a
    paired comparison, None if the metric has none."""

    name: str
    single: Measure
    chain: Measure
    gain: Measure | None


@dataclass(frozen=True)
class BesideDetector:
    """A chain beside a single detector of the same labels. `name`: of the detector. `pairs`: the
    metrics, each at what both show by default."""

    name: str
    photos: int
    pairs: tuple[MetricPair, ...]

    @property
    def record(self) -> dict[str, Any]:
        """As JSON."""
        rows = {
            pair.name: {
                side: measure.model_dump() if measure else None
                for side, measure in zip(("single", "chain", "gain"), pair[1:], strict=True)
            }
            for pair in self.pairs
        }
        return {"detector": self.name, "photos": self.photos, "metrics": rows}


class Reference(NamedTuple):
    """What a packed chain has to agree with: `make` gives a chain of the two trained models.
    `untrained`: the parts whose trained model is not known, which their package stands for."""

    make: Callable[[], Predictor]
    untrained: tuple[str, ...]


def predicted(test: ChainTest, labels: Sequence[str], values: Sequence[Any]) -> Predicted:
    """The test with the answers `values`, which may have columns of a chain."""
    samples = test.samples
    truth = Boxes().truth(samples, labels) if test.measurable else [[] for _ in samples]
    return Predicted(
        tuple(labels),
        tuple(sample.file for sample in samples),
        tuple(sample.digest for sample in samples),
        truth,
        [[row[:BOX_COLUMNS] for row in value] for value in values],
        tuple(sample.extra for sample in samples),
        groups=groups_of(samples),
    )


def packed_answers(
    content: Content,
    files: dict[str, bytes],
    test: ChainTest,
    store: Store,
    progress: Callable[[int], None],
) -> list[Any]:
    """The answers of the packed chain, in a process of its own, to the photos of `test`."""
    samples = (store.get(sample.digest) for sample in test.samples)
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_folder(folder, {**files, SEAL: seal(files)})
        return run_packed(folder, content.sdk, content.description, samples, progress).values


def trained_answers(
    reference: Reference, test: ChainTest, store: Store, threads: int, progress: Progress
) -> list[Any]:
    """The answers of the two trained models, chained, to the photos of `test`."""
    return _answered(reference.make, test.samples, store, threads, progress)


@contextmanager
def reference_of(
    content: Content, detector: ChainPart, classifier: ChainPart, store: Store
) -> Iterator[Reference]:
    """The chain of the trained models of both parts, for as long as the block lasts."""
    untrained, makers = [], []
    with ExitStack() as stack:
        for part in (detector, classifier):
            ref = part.origin("model")
            if ref is None or not store.holds(ref):
                untrained.append(part.name)
                makers.append(stack.enter_context(packed_part(part)))
            else:
                makers.append(stack.enter_context(_trained(part, store.load(ref), store)))
        find, name = makers
        make = lambda: ChainPredictor(content.description, find(), name())  # noqa: E731
        yield Reference(make, tuple(untrained))


@contextmanager
def packed_part(part: ChainPart) -> Iterator[Callable[[], Predictor]]:
    """Makes predictors of `part` as it was packed."""
    with TemporaryDirectory() as name:
        write_folder(Path(name), part.network)
        yield partial(Predictor, part.description, Path(name) / part.description["model"])


@contextmanager
def _trained(part: ChainPart, model: Model, store: Store) -> Iterator[Callable[[], Predictor]]:
    stated = {key: part.description[key] for key in ("sure_from",) if key in part.description}
    with graph_of(model, store) as graph:
        yield partial(Predictor, {**native_description(model), **stated}, graph)


def agreement(
    trained: Predicted, packed: Predicted, parts: Sequence[ChainPart], max_drop: float
) -> Agreement:
    """Compare the packed chain with the chain of the trained models, as any package is compared
    with its model. The share of equal boxes that is usual is the product of what is usual for both
    number formats."""
    least = float(np.prod([_usual_agreement(part) for part in parts]))
    return Boxes().agreement(
        trained,
        packed.answers,
        packed.labels,
        threshold=SHOWN_FROM,
        max_drop=max_drop,
        least=least,
    )


def _usual_agreement(part: ChainPart) -> float:
    backend, numeric = part.description["backend"], part.description["numeric"]
    engines = [ENGINES[name] for name in ENGINES]
    engine = next(engine for engine in engines if engine.backend == backend)
    return float(engine.compressor(numeric).least_agreement)


def sure_boxes(test: Predicted, values: Sequence[Any]) -> SureOfBoth:
    """How many of the boxes in `values`, answers of a chain, are sure and right; `test`: the same
    answers with the truth."""
    sure = [[row[:BOX_COLUMNS] for row in value if row[SURE_COLUMN]] for value in values]
    found = matches_of(replace(test, answers=sure))
    boxes = matches_of(test)
    flags = np.array([bool(row[SURE_COLUMN]) for value in values for row in value], bool)
    pictures = np.repeat(np.arange(len(values)), [len(value) for value in values])
    return SureOfBoth(
        rule=Sure(measured=False),
        precision=PRECISION,
        right=share(found.found >= 0, _clusters(found.group[found.image])),
        share=share(flags, _clusters(boxes.group[pictures])),
        best=None,
        held_out=False,
        noun="boxes",
    )


def beside(
    name: str,
    single: Sequence[Any],
    threshold: float,
    chain: Predicted,
    single_labels: Sequence[str],
) -> BesideDetector:
    """The packed `chain` beside a detector `name`, whose answers to the same photos are `single`;
    of these, boxes from `threshold` on are shown."""
    places = [list(chain.labels).index(label) for label in single_labels]
    shown = [
        [[*row[:5], places[int(row[5])]] for row in value if row[4] >= threshold]
        for value in single
    ]
    before, kind = replace(chain, answers=shown), Boxes()
    sides = [kind.measured(side, SHOWN_FROM).overall for side in (before, chain)]
    old, new = matches_of(before), matches_of(chain)
    gains = {"micro_recall": _recall_gain(old, new), "ap50": _negative(paired_ap_drop(old, new))}
    names = ("micro_recall", "micro_precision", "micro_f1", "ap50")
    pairs = tuple(
        MetricPair(metric, sides[0][metric], sides[1][metric], gains.get(metric))
        for metric in names
    )
    return BesideDetector(name, len(chain.names), pairs)


def single_answers(
    part: ChainPart, test: ChainTest, store: Store, threads: int, progress: Progress
) -> list[Any]:
    """The answers of the package `part` alone to the photos of `test`."""
    with packed_part(part) as make:
        return _answered(make, test.samples, store, threads, progress)


def _answered(
    make: Callable[[], Predictor],
    samples: Sequence[Sample],
    store: Store,
    threads: int,
    progress: Progress,
) -> list[Any]:
    fetches = [partial(store.get, sample.digest) for sample in samples]
    found = answers(fetches, make, threads, progress)
    for place, why in found.bad.items():
        raise DataError(
            f"{samples[place].file}: {why}", "Run the etl stage of the detector's pipeline again."
        )
    return found.values


def _recall_gain(old: Matches, new: Matches) -> Measure:
    """By how much more of the true boxes are found with the right label."""
    true = np.ones(len(old.true), np.int64)
    groups = _clusters(old.group[old.true_image])
    return _negative(paired_drop(true, _reached(old), _reached(new), groups))


def _reached(found: Matches) -> NDArray[np.int64]:
    """1 for each true box that is found, else 0."""
    reached = np.zeros(len(found.true), np.int64)
    reached[found.found[found.found >= 0]] = 1
    return reached


def _clusters(groups: NDArray[np.int64]) -> Clusters | None:
    """The photos, or groups of photos, that boxes come in."""
    return clusters_of([str(group) for group in groups])


def _negative(drop: Measure) -> Measure:
    return Measure(value=0.0 - drop.value, low=0.0 - drop.high, high=0.0 - drop.low, n=drop.n)


def evaluated(chain: Predicted, values: Sequence[Any], gate: Mapping[str, float]) -> Evaluation:
    """The packed chain's answers against the truth, with the verdict by `gate`, without
    minimums of labels that the chain does not answer; `values`: the same answers with all
    columns."""
    rule, config = Sure(measured=False), EvaluateConfig(gate=_answerable(gate, chain.labels))
    found = Boxes().evaluated(chain, config, threshold=SHOWN_FROM, sure=rule)
    return replace(found, sure=sure_boxes(chain, values))


def _answerable(gate: Mapping[str, float], labels: Sequence[str]) -> dict[str, float]:
    """`gate` without the labels of a detector that a classifier replaces by others."""
    return {
        name: minimum
        for name, minimum in gate.items()
        if not (found := LABEL_GATE.fullmatch(name)) or found[2] in (*labels, EVERY_LABEL)
    }


def spelled_predictions(chain: Predicted, values: Sequence[Any]) -> bytes:
    """The predictions as JSON, as a report has them, with all columns of the chain's rows."""
    record = json.loads(chain.record())
    return json.dumps({**record, "chain": list(values)}, ensure_ascii=False).encode()
