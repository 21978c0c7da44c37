"""Chooses a chain's golden samples among those of its two packages: photos whose answer does not
hang on a difference that is within the tolerance of the number formats."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from stages.deploy.chain.parts import ChainPart
from stages.runtime.chain import ChainPredictor

MOST_BYTES = 1_500_000  # of all golden samples: each package has 1 MB at most
MOST_SAMPLES = 64


def golden_samples(
    predictor: ChainPredictor,
    detector: ChainPart,
    classifier: ChainPart,
    shared: Mapping[str, bytes],
) -> dict[str, bytes]:
    """The golden samples of both parts that `predictor`, the packed chain, answers steadily, by
    their file names in the chain's package. `shared`: samples that are in the package already."""
    found: dict[str, bytes] = {}
    remaining = MOST_BYTES
    for name, data in _candidates(detector, classifier, shared):
        if len(found) == MOST_SAMPLES:
            break
        if len(data) <= remaining and is_steady(predictor, data, detector, classifier):
            found[name] = data
            remaining -= len(data)
    return found


def is_steady(
    predictor: ChainPredictor, data: bytes, detector: ChainPart, classifier: ChainPart
) -> bool:
    """Whether the boxes and labels of the answer stay if scores of the detector and the classifier
    change by the tolerance of their packages."""
    prepared = predictor.prepare(data)
    outputs = predictor.forward(prepared.windows)
    alone = predictor.detector
    candidates = alone.answer(outputs, prepared.facts)
    if alone.kind.margin(candidates, alone.description) < detector.tolerance:
        return False
    scores = predictor.crop_scores(candidates, prepared.facts)
    named = predictor.classifier
    return all(
        named.kind.margin(score, named.description) >= classifier.tolerance for score in scores
    )


def _candidates(
    detector: ChainPart, classifier: ChainPart, shared: Mapping[str, bytes]
) -> Iterator[tuple[str, bytes]]:
    """The samples of both in turn, so that neither leaves no room for the other."""
    queues = [
        [
            (f"golden/{place}_{number:03}{PurePosixPath(name).suffix}", data)
            for number, (name, data) in enumerate(sorted(part.golden.items()))
            if data not in shared.values()
        ]
        for place, part in (("detector", detector), ("classifier", classifier))
    ]
    for number in range(max(map(len, queues))):
        yield from (queue[number] for queue in queues if number < len(queue))
