"""Compares the packed detector with the trained one on the same test samples.

The rules, for a pipeline's `max_drop` and the threshold of the Report:

- AP50: its drop may be at most `max_drop`, or the weight of one true box of the rarest label if
  that is more. AP50 is a mean over labels and 101 recalls, so with K labels one of the n boxes of a
  label weighs up to (1 / n + 1 / 101) / K, and a single box may change by chance. The interval
  comes from resamples of the pictures or their groups, the same for both networks.
- Recall of a label: `lost` of its true boxes were found before at the threshold and are not found
  now, `won` the reverse. As for labels of whole samples, it fails only if the drop is more than
  `max_drop` with 90 % confidence (Tango, one-sided): a label may have ten boxes, of which one is
  10 %. A wrong alarm costs a larger file, a missed one a label that no longer works.
- Agreement box by box: two networks can be right equally often with different answers. So the share
  of boxes that both predict at the threshold (same label, overlap of at least half, counted in both
  directions) may not be significantly below what is usual for that number format. Boxes with a
  score close to the threshold may come and go, so the usual share is below 100 %."""

from collections.abc import Sequence
from typing import Any

from stages.artifacts import Measure
from stages.evaluate.kinds import Agreement
from stages.evaluate.predictions import Predicted
from stages.metrics.boxes import Matches, box_agreement, matches, paired_ap_drop, recall_pairs
from stages.metrics.boxes.average_precision import RECALLS
from stages.metrics.boxes.box_pairs import Pair
from stages.metrics.paired import CONFIDENT, tango


def agreement_of(
    trained: Predicted,
    packed: Sequence[Any],
    labels: Sequence[str],
    threshold: float,
    max_drop: float,
    least: float,
) -> Agreement:
    """Compare the boxes `packed` with those of `trained`, both of the same samples."""
    before = matches(trained.truth, trained.answers, len(labels), trained.groups)
    after = matches(trained.truth, packed, len(labels), trained.groups)
    drop = paired_ap_drop(before, after)
    pairs = dict(zip(labels, recall_pairs(before, after, threshold), strict=True))
    same = box_agreement(before, after, threshold)
    failures = [
        *_ap_failure(drop, max_drop, before),
        *(line for label, pair in pairs.items() for line in _recall_failure(label, pair, max_drop)),
        *_box_failure(same, least),
    ]
    drops = {f"recall of {label}": _drop(pair) for label, pair in pairs.items()}
    return Agreement(same, {"ap50": drop, **drops}, tuple(failures))


def _ap_failure(drop: Measure, max_drop: float, before: Matches) -> list[str]:
    boxes = before.support.sum(axis=0)
    rarest = boxes[boxes > 0]
    box_cost = (1 / rarest.min() + 1 / len(RECALLS)) / len(rarest) if len(rarest) else 1.0
    if drop.value <= max(max_drop, box_cost):
        return []
    return [f"AP50 drops by {drop.value:.1%}, at most {max_drop:.1%} is allowed"]


def _recall_failure(label: str, pair: Pair, max_drop: float) -> list[str]:
    surely = tango(pair.lost, pair.won, pair.n, CONFIDENT)[0] if pair.n else -1.0
    if surely <= max_drop:
        return []
    drop = (pair.lost - pair.won) / pair.n
    return [
        f"recall of '{label}' drops by {drop:.1%} of {pair.n} boxes (surely by {surely:.1%}), "
        f"at most {max_drop:.1%} is allowed"
    ]


def _box_failure(same: Measure, least: float) -> list[str]:
    if same.high >= least:
        return []
    return [
        f"only {same.value:.1%} of the boxes are the same at the threshold, {least:.0%} is usual"
    ]


def _drop(pair: Pair) -> Measure:
    if not pair.n:
        return Measure(value=0.0, low=-1.0, high=1.0, n=0)
    low, high = tango(*pair)
    return Measure(value=(pair.lost - pair.won) / pair.n, low=low, high=high, n=pair.n)
