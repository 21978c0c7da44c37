"""The predictor of a chain: a detector finds boxes, then a classifier names what is in each.

The detector decides which boxes there are: those whose score reaches its own threshold. Each is cut
out of the decoded, upright picture in its full size, and the classifier answers the crops in
batches. A box keeps the detector's label if the chain does not classify that label."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from . import answers as kinds
from . import steps
from .answers.sure import Sure, sure_of
from .boxes import overlaps
from .crops import crop
from .description import CLASSIFIER
from .predictor import Outputs, Predictor
from .steps import Facts, PreparedSample

BATCH = 16  # crops that the classifier answers at once
STORED_BYTES = 8_000_000  # of a decoded picture; a larger one is decoded again for its crops
DIGITS = 6  # of a stored score
# Parts of the picture as shares of its sides: the golden answers have the classifier's scores for
# them, whatever the detector finds.
FIXED_PARTS = ((0, 0, 1, 1), (0, 0, 0.5, 0.5), (0.5, 0, 1, 0.5), (0, 0.5, 0.5, 1), (0.5, 0.5, 1, 1))

Picture = NDArray[Any]
Box = Sequence[Any]


def detector_description(description: Mapping[str, Any]) -> dict[str, Any]:
    """The description of the detector alone, from that of a chain."""
    classify = description["classify"]
    own = {name: value for name, value in description.items() if name != "classify"}
    if "sure_from" in classify:
        own["sure_from"] = classify["sure_from"]
    return {
        **own,
        "answers": "boxes",
        "labels": classify["detected"],
        "threshold": classify["shown_from"],
    }


class ChainPredictor(Predictor):
    """Answers photos with a detector and a classifier. The six functions are those of the detector;
    `answer` runs the classifier on the crops as well."""

    def __init__(
        self, description: Mapping[str, Any], detector: Predictor, classifier: Predictor
    ) -> None:
        """`description`: the package.json of a chain. `detector`, `classifier`: of its parts."""
        self.description = dict(description)
        self.labels: list[str] = list(description["labels"])
        self.kind = kinds.of(description)
        self.detector, self.classifier = detector, classifier
        self._rule: Mapping[str, Any] = description["classify"]
        self._classified = frozenset(self._rule["labels"])
        self._index = {label: place for place, label in enumerate(self.labels)}
        self._sure: tuple[Sure, Sure] = tuple(  # type: ignore[assignment]
            sure_of(part.description) for part in (detector, classifier)
        )

    @classmethod
    def loaded(
        cls, folder: Path, description: Mapping[str, Any], threads: int = 1, on: str | None = None
    ) -> Self:
        """The chain in `folder`, which was checked. Arguments and errors are those of
        `Predictor.open`."""
        of_detector = detector_description(description)
        of_classifier = description["classify"][CLASSIFIER]
        detector = Predictor(of_detector, folder / of_detector["model"], threads, on)
        model = folder / CLASSIFIER / of_classifier["model"]
        return cls(description, detector, Predictor(of_classifier, model, threads, on))

    def prepare(self, data: bytes) -> PreparedSample:
        """The detector's input for one photo. Raises BadSample if `data` cannot be used."""
        facts: Facts = {}
        before = self.detector.description["before"]
        picture = steps.run(before[:1], data, facts)
        windows = steps.run(before[1:], picture, facts)[None]
        facts["picture"] = picture if picture.nbytes <= STORED_BYTES else data
        return PreparedSample(windows, facts)

    def forward(self, batch: NDArray[Any]) -> Outputs:
        """The detector's raw outputs for the windows in `batch`; as `Predictor.forward`."""
        return self.detector.forward(batch)

    def answer(self, outputs: Sequence[NDArray[Any]], facts: Facts) -> list[list[Any]]:
        """One photo's boxes with their labels, from the detector's raw outputs: rows as
        `ClassifiedBoxes` describes them, sorted by falling score."""
        boxes = self._shown(self.detector.answer(outputs, facts))
        classified = self._of_classified(boxes)
        scores = self._scores(classified, facts)
        of_box = {id(box): found for box, found in zip(classified, scores, strict=True)}
        rows = [self._row(box, of_box.get(id(box))) for box in boxes]
        return sorted(rows, key=lambda row: -row[4])

    def answers(self, samples: Sequence[bytes], batch: int = 16) -> list[Any]:
        """The values of all `samples`, one at a time: each may have many crops."""
        return [self.answered([self.prepare(data)])[0] for data in samples]

    def crop_scores(self, boxes: Sequence[Box], facts: Facts) -> list[list[float]]:
        """The classifier's scores for each crop of a photo: of those of the detector's `boxes` that
        are shown and classified. `facts`: of the photo."""
        return self._scores(self._of_classified(self._shown(boxes)), facts)

    def _scores(self, boxes: Sequence[Box], facts: Facts) -> list[list[float]]:
        """The classifier's scores for the crop of each of `boxes`, BATCH crops at a time."""
        if not boxes:
            return []
        picture, before = self._picture(facts), self.classifier.description["before"][1:]
        found: list[list[float]] = []
        for start in range(0, len(boxes), BATCH):
            parts = [
                crop(picture, box, self._rule["margin"]) for box in boxes[start : start + BATCH]
            ]
            found += self.classifier.answered([_prepared(before, part) for part in parts], BATCH)
        return found

    def fixed_scores(self, facts: Facts) -> list[list[float]]:
        """The classifier's scores for FIXED_PARTS of the photo whose `facts` these are."""
        sides = np.array([facts["width"], facts["height"]] * 2, np.float64)
        return self._scores([(np.array(part) * sides).tolist() for part in FIXED_PARTS], facts)

    def close(self) -> None:
        """Free the memory of both networks."""
        self.detector.close()
        self.classifier.close()

    def _shown(self, boxes: Sequence[Box]) -> list[Box]:
        """The `boxes` that the detector shows, the best first, as many as the chain may have.

        If the classifier decides between labels of the detector, boxes of different labels around
        one object are one object: only the best of them is shown."""
        shown = [box for box in boxes if box[4] >= self._rule["shown_from"]]
        overlap = self._rule.get("overlap")
        if overlap is not None:
            classified = self._of_classified(shown)
            best = {id(box) for box in _without_overlapping(classified, overlap)}
            worse = {id(box) for box in classified} - best
            shown = [box for box in shown if id(box) not in worse]
        return shown[: self._rule["most"]]

    def _of_classified(self, boxes: Sequence[Box]) -> list[Box]:
        """Those of `boxes` whose label the chain classifies."""
        return [box for box in boxes if self.detector.labels[int(box[5])] in self._classified]

    def _picture(self, facts: Facts) -> Picture:
        stored = facts["picture"]
        if isinstance(stored, bytes):
            stored = steps.run(self.detector.description["before"][:1], stored, {})
        return np.asarray(stored)

    def _row(self, box: Box, scores: Sequence[float] | None) -> list[Any]:
        label, score = int(box[5]), float(box[4])
        name, (by_detector, by_classifier) = self.detector.labels[label], self._sure
        sure = by_detector.decide(score, label)
        if scores is None:
            return [*box[:4], score, self._index[name], score, name, None, sure]
        best = max(range(len(scores)), key=lambda place: scores[place])
        named = by_classifier.decide(scores[best], best)
        return [
            *box[:4],
            round(score * scores[best], DIGITS),
            self._index[self.classifier.labels[best]],
            *(score, name, scores[best]),
            None if sure is None or named is None else sure and named,
        ]


def _prepared(before: Sequence[Mapping[str, Any]], picture: Picture) -> PreparedSample:
    """The classifier's input for a decoded crop; `before`: its steps after decoding."""
    facts: Facts = {"height": picture.shape[0], "width": picture.shape[1]}
    return PreparedSample(steps.as_windows(steps.run(before, picture, facts), facts), facts)


def _without_overlapping(boxes: Sequence[Box], most: float) -> list[Box]:
    """Those of `boxes`, the best first, that overlap by at most `most` with every better one."""
    if not boxes:
        return []
    edges = np.array([box[:4] for box in boxes], np.float32)
    selected: list[int] = []
    for place in range(len(boxes)):
        if not (overlaps(edges[place], edges[selected]) > most).any():
            selected.append(place)
    return [boxes[place] for place in selected]
