"""Plants faults in annotations, and counts how many of them the suspects find.

Labels are flipped and out-of-fold scores come from a logistic head on frozen features that learned
from the flipped labels, as training would. Boxes are dropped or shifted in the annotations, while
the detector's out-of-fold answers stay those that it gave after learning from the unchanged boxes:
to train it anew would take as long as the training did. So the share of boxes is the most to hope
for, and that of labels is what to expect."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.evaluate.kinds import UNSEEN
from stages.opening import open_store
from stages.parts import TASKS
from stages.runtime.errors import ConfigError
from stages.settings import Settings
from stages.studio.drafts import Drafts
from stages.studio.suggesting import features_of
from stages.studio.suspects import box_doubt, label_doubts, last_model
from stages.train.heads.logistic_fit import optimum
from stages.train.search.search_space import DEFAULTS

FOLDS = 5
ROUNDS = 3  # with faults in other samples each, when a person asks
SHIFT = 0.5  # of a box's sides, to which a shifted box moves

Floats = NDArray[np.floating]
Labels = NDArray[np.int64]
Boxes = Sequence[Sequence[float]]  # of one picture: left, top, right, bottom, label's index


class FaultsFound(NamedTuple):
    """`planted`: how many samples have a planted fault. `first`: how many of them are among the
    first `planted` suspects. `suspects`: how many suspects there are, `among`: how many of the
    planted are among all of these."""

    planted: int
    first: int
    suspects: int
    among: int


def flipped(
    labels: Labels, classes: int, share: float, rng: np.random.Generator
) -> tuple[Labels, NDArray[np.bool_]]:
    """`labels` [n] of which a random `share` is another of the `classes`, and which are."""
    count = max(1, round(share * len(labels)))
    planted = np.zeros(len(labels), bool)
    planted[rng.choice(len(labels), count, replace=False)] = True
    other_labels = (labels + rng.integers(1, classes, len(labels))) % classes
    return np.where(planted, other_labels, labels), planted


def faulty_boxes(
    truth: Sequence[Boxes], kind: str, share: float, rng: np.random.Generator
) -> tuple[list[list[list[float]]], NDArray[np.bool_]]:
    """The boxes of all pictures, of which a random `share` of those with boxes lost one ("dropped")
    or has one "shifted" by SHIFT of its sides; and which have."""
    changed = [[list(box) for box in boxes] for boxes in truth]
    filled = [index for index, boxes in enumerate(changed) if boxes]
    planted = np.zeros(len(changed), bool)
    if not filled:
        return changed, planted
    count = max(1, round(share * len(filled)))
    for index in rng.choice(filled, count, replace=False):
        planted[index] = True
        place = int(rng.integers(len(changed[index])))
        if kind == "dropped":
            del changed[index][place]
            continue
        left, top, right, bottom = changed[index][place][:4]
        across, down = rng.choice([-1, 1], 2) * SHIFT * np.array([right - left, bottom - top])
        changed[index][place][:4] = [left + across, top + down, right + across, bottom + down]
    return changed, planted


def out_of_fold_scores(
    features: Floats, labels: Labels, classes: int, groups: Sequence[str], l2: float
) -> NDArray[np.float64]:
    """The scores [n, classes] of each sample by a logistic head that learned from the other folds;
    a group is in one fold. `features` [n, d]."""
    from sklearn.model_selection import StratifiedGroupKFold
    from threadpoolctl import threadpool_limits

    deviation = features.std(axis=0)
    rows = (features - features.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    scores = np.zeros((len(labels), classes))
    names = np.unique(np.asarray(groups), return_inverse=True)[1]
    folds = min(FOLDS, int(names.max()) + 1)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    for trained, held_out in splitter.split(rows, labels, names):
        present = np.unique(labels[trained])
        if len(present) < 2:
            scores[np.ix_(held_out, present)] = 1.0
            continue
        with threadpool_limits(1):  # sums in one order, on any number of cores
            matrix, offset = optimum(rows[trained], labels[trained], np.ones(len(trained)), l2)
        logits = rows[held_out] @ matrix + offset
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores[np.ix_(held_out, present)] = powers / powers.sum(axis=1, keepdims=True)
    return scores


def found_labels(labels: Labels, scores: Floats, planted: NDArray[np.bool_]) -> FaultsFound:
    """What the suspects find of the flipped `labels` [n], by out-of-fold `scores` [n, classes]."""
    return found_of(label_doubts(labels, scores.astype(np.float64))[1], planted)


def found_boxes(
    truth: Sequence[Boxes], answers: Sequence[Sequence[Sequence[Any]]], planted: NDArray[np.bool_]
) -> FaultsFound:
    """What the suspects find of the faulty boxes `truth`, by out-of-fold `answers`."""
    doubts = [box_doubt(*pair) for pair in zip(truth, answers, strict=True)]
    return found_of(np.array(doubts), planted)


def found_of(doubts: Floats, planted: NDArray[np.bool_]) -> FaultsFound:
    """How many of the `planted` are among the first, and among all with any doubt."""
    order = np.argsort(-doubts, kind="stable")
    count = int(planted.sum())
    first = order[:count]
    return FaultsFound(
        count,
        int((planted[first] & (doubts[first] > 0)).sum()),
        int((doubts > 0).sum()),
        int((planted & (doubts > 0)).sum()),
    )


def planted_in(name: str, settings: Settings, kind: str, share: float) -> dict[str, Any]:
    """What the suspects would find of faults of that `kind` ("flipped", "dropped", "shifted"),
    planted in a `share` of the samples that the last model of the data set `name` learned from:
    under 'rounds' one FaultsFound for each seed, under 'samples' how many samples there are, and
    under 'is_most' whether the model had learned from the right annotations.

    Raises ConfigError if there is no model, or it has not annotations of that sort."""
    store = open_store(settings)
    model = last_model(store, name)
    if model is None:
        raise ConfigError("There is no model of these data yet.", "Train one, then ask again.")
    unseen = json.loads(store.get(model.files[UNSEEN]))
    is_boxes = TASKS[model.task].answers == "boxes"
    if is_boxes == (kind == "flipped"):
        raise ConfigError(f"These data have no annotations that can be {kind}.", "Choose others.")
    if is_boxes:
        rounds = [_boxes_round(unseen, kind, share, seed) for seed in range(ROUNDS)]
        return _answer(rounds, len(unseen["truth"]), is_most=True)
    rows = {row["digest"]: row for row in Drafts(settings).of(name).rows() if not row["excluded"]}
    entries = zip(unseen["digests"], unseen["truth"], unseen["answers"], strict=True)
    present = [entry for entry in entries if entry[0] in rows and entry[1] >= 0]
    if len({label for _, label, _ in present}) < 2:
        raise ConfigError("The last model learned from other samples.", "Train again, then ask.")
    mine = [rows[digest] for digest, _, _ in present]
    features = features_of(model, mine, settings, store)
    labels = np.array([label for _, label, _ in present], np.int64)
    answers = np.array([answer for _, _, answer in present])
    groups = [row["group"] or row["digest"] for row in mine]
    rounds = [
        _labels_round(labels, features, answers, groups, share, seed) for seed in range(ROUNDS)
    ]
    return _answer(rounds, len(present), is_most=not features.shape[1])


def _labels_round(
    labels: Labels,
    features: Floats,
    answers: Floats,
    groups: Sequence[str],
    share: float,
    seed: int,
) -> FaultsFound:
    """What is found of flipped labels by a head that learned from them; without features by the
    model's `answers` [n, classes]."""
    rng = np.random.default_rng(seed)
    wrong, planted = flipped(labels, int(labels.max()) + 1, share, rng)
    scores = answers
    if features.shape[1]:
        classes = answers.shape[1]
        scores = out_of_fold_scores(features, wrong, classes, groups, DEFAULTS["l2"])
    return found_labels(wrong, scores, planted)


def _boxes_round(unseen: dict[str, Any], kind: str, share: float, seed: int) -> FaultsFound:
    truth, planted = faulty_boxes(unseen["truth"], kind, share, np.random.default_rng(seed))
    return found_boxes(truth, unseen["answers"], planted)


def _answer(rounds: Sequence[FaultsFound], samples: int, is_most: bool) -> dict[str, Any]:
    found = [entry._asdict() for entry in rounds]
    return {"rounds": found, "samples": samples, "is_most": is_most}
