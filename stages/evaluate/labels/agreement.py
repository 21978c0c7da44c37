"""Compares the packed network with the trained model on the same test samples.

As both answered the same samples, only those count that one answered right and the other wrong:
`lost` (right before, wrong now) and `won`. The drop is (lost - won) / n, with Tango's interval
(metrics/paired.py). The rules, for a pipeline's `max_drop`:

- Accuracy: the drop may be at most `max_drop`. A net loss of one sample is allowed, as with fewer
  than 1 / max_drop samples the smallest possible drop would already be too much.
- Recall of a label: it fails only if the drop is more than `max_drop` with 90 % confidence
  (one-sided), as a label may have ten samples, of which one is 10 %, and among ten labels one is
  unlucky by chance. The confidence is below the usual 97.5 % on purpose: a wrong alarm costs a
  larger file, a missed one a label that no longer works. At 2 %, 3 of 30 samples lost and none won
  fail, 2 lost do not; of 10 samples, 3 lost fail; a label that is lost completely always fails,
  from 2 samples on.
- Agreement sample by sample: two networks can be right equally often with different answers (as
  with swapped red and blue). So the share of samples that keep their label may not be significantly
  below what is usual for that number format.

Where samples come in groups, intervals are over groups, as those of accuracy are."""

from collections.abc import Mapping, Sequence

from stages.artifacts import Measure
from stages.evaluate.kinds import Agreement
from stages.evaluate.labels.scores import Scored
from stages.metrics import paired_drop, recall_drops
from stages.metrics.clusters import Clusters
from stages.metrics.paired import CONFIDENT, Flags, effective_pairs, tango


def agreement_of(
    trained: Scored, packed: Scored, labels: Sequence[str], max_drop: float, least: float
) -> Agreement:
    """Compare the scores `packed` with `trained`, of the same samples."""
    truth, before, after = trained.truth, trained.predicted, packed.predicted
    clusters = trained.clusters
    same = trained.share(before == after)
    drop = paired_drop(truth, before, after, clusters)
    drops = recall_drops(truth, before, after, labels, clusters)
    sure = {
        label: _surely(truth == index, before == truth, after == truth, clusters)
        for index, label in enumerate(labels)
    }
    failures = [
        *_accuracy_failure(drop, max_drop),
        *_recall_failures(drops, sure, max_drop),
        *_label_failure(same, least),
    ]
    named = {f"recall of {label}": drop for label, drop in drops.items()}
    return Agreement(same, {"accuracy": drop, **named}, tuple(failures))


def _surely(rows: Flags, before: Flags, after: Flags, clusters: Clusters | None) -> float:
    """The lower bound of the drop in recall over `rows`, one-sided at CONFIDENT."""
    if not rows.any():
        return -1.0
    old, new, count = before[rows], after[rows], int(rows.sum())
    weight = effective_pairs(old, new, clusters.of(rows) if clusters else None) / count
    lost, won = int((old & ~new).sum()), int((~old & new).sum())
    return tango(lost * weight, won * weight, count * weight, CONFIDENT)[0]


def _accuracy_failure(drop: Measure, max_drop: float) -> list[str]:
    net = round(drop.value * drop.n)
    if drop.value <= max_drop or net <= 1:
        return []
    return [
        f"accuracy drops by {drop.value:.1%} ({net} of {drop.n} samples), "
        f"at most {max_drop:.1%} is allowed"
    ]


def _recall_failures(
    drops: Mapping[str, Measure], sure: Mapping[str, float], max_drop: float
) -> list[str]:
    return [
        f"recall of '{label}' drops by {drop.value:.1%} of {drop.n} samples "
        f"(surely by {sure[label]:.1%}), at most {max_drop:.1%} is allowed"
        for label, drop in drops.items()
        if sure[label] > max_drop
    ]


def _label_failure(same: Measure, least: float) -> list[str]:
    if same.high >= least:
        return []
    return [f"only {same.value:.1%} of {same.n} samples keep their label, {least:.0%} is usual"]
