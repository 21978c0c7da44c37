"""None of these: what a model is taught to answer to what has none of a person's labels.

Negatives of our own making are samples of one more label, and what is like them is rejected.
Hendrycks et al., Deep Anomaly Detection with Outlier Exposure, 2019, arXiv 1812.04606; that a whole
kind is held out at a time, so that what was never seen judges, is ours."""

from stages.artifacts import Dataset
from stages.config import TrainConfig

OTHER = "other"
MOST = 400  # negatives, of all kinds
SHARE = 0.4  # negatives for each sample, where there are six labels


def labels_of(dataset: Dataset, train: TrainConfig) -> tuple[str, ...]:
    """What a model of `dataset` answers: its labels, and `other` after them if that is asked for
    and none of them."""
    if not train.rejects or OTHER in dataset.labels:
        return dataset.labels
    return (*dataset.labels, OTHER)


def other_of(dataset: Dataset, train: TrainConfig) -> int | None:
    """The index of `other` among `labels_of`; None if nothing is to be rejected."""
    return labels_of(dataset, train).index(OTHER) if train.rejects else None


def with_negatives(train: TrainConfig, samples: int) -> int:
    """`samples` and about as many negatives as will be made for them, for a budget."""
    return samples + (min(MOST, round(SHARE * samples)) if train.rejects else 0)
