"""Out-of-distribution samples: a model is trained to answer `other` to samples that have none of a
person's labels.

Generated negatives are samples of one more label, and samples like them are rejected: Hendrycks et
al., Deep Anomaly Detection with Outlier Exposure, 2019, arXiv 1812.04606. Holding out a whole kind
of negatives at a time, so that validation is on unseen kinds, is ours."""

from stages.artifacts import Dataset
from stages.config import TrainConfig

OTHER = "other"
MOST = 400  # negatives, of all kinds
SHARE = 0.4  # negatives for each sample, where there are six labels


def labels_of(dataset: Dataset, config: TrainConfig) -> tuple[str, ...]:
    """The labels that a model of `dataset` answers: the dataset's, with `other` last if that is
    asked for and not among them."""
    if not config.rejects or OTHER in dataset.labels:
        return dataset.labels
    return (*dataset.labels, OTHER)


def other_of(dataset: Dataset, config: TrainConfig) -> int | None:
    """The index of `other` among `labels_of`; None if nothing is rejected."""
    return labels_of(dataset, config).index(OTHER) if config.rejects else None


def with_negatives(config: TrainConfig, samples: int) -> int:
    """`samples` and about as many negatives as will be generated for them, for a budget."""
    return samples + (min(MOST, round(SHARE * samples)) if config.rejects else 0)
