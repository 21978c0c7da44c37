"""Suggestions for samples without a label, and the order in which to label them: what a process of
its own does with the last model of a data set. The model's answers and the features that spread the
order are cached, so that asking again after some labels costs little."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Dataset, Model
from stages.closure import code_of
from stages.etl.cached_files import CachedFile, read_cached
from stages.etl.split import place_of
from stages.evaluate.kinds import UNSEEN
from stages.evaluate.labels.shift import published_family
from stages.evaluate.native import graph_of, predictor_of
from stages.memo import CachedContent
from stages.opening import open_store, resources_of
from stages.parts import TASKS
from stages.runtime import steps
from stages.runtime.errors import BadSample, ConfigError
from stages.runtime.predictor import Predictor
from stages.settings import Settings
from stages.store import Store
from stages.studio.drafts import Drafts
from stages.studio.labelling_order import labelling_order, margins_of
from stages.studio.sample_index import SEPARATOR
from stages.studio.suspects import SURE, last_model
from stages.train.heads.backbone import backbone_file
from stages.train.heads.features import Extractor, Preprocessing, SampleView
from stages.train.ood import OTHER

MOST = 2000  # unlabelled samples that the model looks at; of more, a part that chance draws
MOST_LABELLED = 2000  # labelled samples that the order keeps away from
PIECE = 64  # samples of one cache entry; at most so many answers are lost when it is ended
BATCH = 16  # windows at a time


Floats = NDArray[np.floating]
Suggestion = dict[str, Any]


def suggestions_for(name: str, settings: Settings) -> dict[str, Any]:
    """The suggestions of the last model for the data set `name`: under 'samples', by digest, a
    label or boxes with scores, and a rank from 1, that of the sample which teaches most. Samples of
    the test split are never among them.

    Raises ConfigError if there is no model."""
    store, draft = open_store(settings), Drafts(settings).of(name)
    model = last_model(store, name)
    if model is None:
        raise ConfigError("There is no model of these data yet.", "Label some, save, and train.")
    rows = [row for row in draft.rows() if not row["excluded"] and row["split"] != "test"]
    waiting = _drawn(
        [row for row in rows if row["labels"] == SEPARATOR and not row["reviewed"]], MOST
    )
    answers = _answers(model, waiting, settings, store)
    readable = {*answers, *json.loads(store.get(model.files[UNSEEN]))["digests"]}
    readable_rows = [
        row for row in rows if row["labels"] != SEPARATOR and row["digest"] in readable
    ]
    labelled = _drawn(readable_rows, MOST_LABELLED)
    waiting = [row for row in waiting if row["digest"] in answers]
    suggest = _boxes if TASKS[model.task].answers == "boxes" else _label
    found = [suggest(answers[row["digest"]], model.labels) for row in waiting]
    margins = np.array([margin for _, margin in found])
    features = features_of(model, waiting, settings, store)
    order = labelling_order(margins, features, features_of(model, labelled, settings, store))
    samples = {
        waiting[place]["digest"]: {**found[place][0], "rank": rank}
        for rank, place in enumerate(order, 1)
    }
    return {"model": model.ref.id, "samples": samples}


def _drawn(rows: Sequence[Row], most: int) -> list[Row]:
    """At most `most` of `rows`, the same whatever else there is."""
    return sorted(rows, key=lambda row: place_of(row["digest"]))[:most]


def _label(scores: Sequence[float], labels: Sequence[str]) -> tuple[Suggestion, float]:
    """The best label of `scores` [labels], and the margin to the second. That a sample is none of
    the labels is no suggestion."""
    best = int(np.argmax(scores))
    margin = float(margins_of(np.array([scores]))[0])
    if labels[best] == OTHER:
        return {"label": "", "score": 0.0, "boxes": []}, margin
    return {"label": labels[best], "score": float(scores[best]), "boxes": []}, margin


def _boxes(answers: Sequence[Sequence[float]], labels: Sequence[str]) -> tuple[Suggestion, float]:
    """The boxes of which the model is sure, and how far it is from doubt: the distance of the most
    doubtful score from one half, from 0 to 1."""
    sure = [answer for answer in answers if answer[4] >= SURE]
    boxes = [[labels[int(label)], *edges, score] for *edges, score, label in sure]
    margin = min((abs(2 * answer[4] - 1) for answer in answers), default=1.0)
    score = max((answer[4] for answer in sure), default=0.0)
    return {"label": "", "score": float(score), "boxes": boxes}, float(margin)


def _answers(
    model: Model, rows: Sequence[Row], settings: Settings, store: Store
) -> dict[str, list[Any]]:
    """The values that `model` answered, these `rows` and others from before, by digest; none for a
    sample that it cannot read."""
    names = [step.step for step in (*model.before, *model.after)]
    scope = store.memo.scope(
        ["suggestions", model.ref.id], code_of("stages.runtime.predictor", config=names)
    )
    answers: dict[str, Any] = {}
    for content in scope.contents():
        answers.update(content.facts)
    missing = [row for row in rows if row["digest"] not in answers]
    if missing:
        with graph_of(model, store) as graph, predictor_of(model, graph) as predictor:
            for start in range(0, len(missing), PIECE):
                piece = missing[start : start + PIECE]
                found = dict(_answered(predictor, piece, settings))
                scope.keep(sorted(found), CachedContent(found))
                answers.update(found)
    return {digest: answer for digest, answer in answers.items() if answer is not None}


def _answered(
    predictor: Predictor, rows: Sequence[Row], settings: Settings
) -> Iterator[tuple[str, Any]]:
    """Each digest with the value of its sample; None if it cannot be read."""
    prepared = {}
    for row in rows:
        try:
            prepared[row["digest"]] = predictor.prepare(_data(row, settings))
        except BadSample:
            yield row["digest"], None
    yield from zip(prepared, predictor.answered(list(prepared.values()), BATCH), strict=True)


@dataclass(frozen=True)
class _DraftPreprocessing(Preprocessing):
    """Prepares samples of a draft, whose bytes no stage has put into the store yet."""

    rows: Mapping[str, Row]
    settings: Settings

    def windows(self, view: SampleView) -> NDArray[np.float32]:
        before = [step.model_dump() for step in self.before]
        windows = steps.prepared(before, _data(self.rows[view.digest], self.settings)).windows
        return windows.astype(np.float32, copy=False)


def features_of(model: Model, rows: Sequence[Row], settings: Settings, store: Store) -> Floats:
    """The features of `rows` by the published backbone of `model`, those of training samples from
    the cache that training filled: [rows, features]; without columns if it has none, and of
    detectors, so that nothing is spread."""
    family = published_family(model)
    if family is None or TASKS[model.task].answers == "boxes":
        return np.zeros((len(rows), 0))
    if not rows:
        return np.zeros((0, family.features))
    resources = resources_of(settings)
    feature_maps = "feature_maps" in model.hyperparameters
    backbone = backbone_file(family, store, resources, feature_maps=feature_maps)
    nobody = Dataset(task=model.task, labels=model.labels, revision="", counts={})
    by_digest = {row["digest"]: row for row in rows}
    preprocessing = _DraftPreprocessing(model.before, nobody, store, by_digest, settings)
    extractor = Extractor(backbone, preprocessing, resources, lambda done: None)
    return extractor.rows([SampleView(row["digest"]) for row in rows])[:, : family.features]


def _data(row: Row, settings: Settings) -> bytes:
    return read_cached(CachedFile(row["md5"], row["start"], row["size"]), settings)
