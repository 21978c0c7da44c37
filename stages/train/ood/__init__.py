"""Handles out-of-distribution samples: a model is trained to answer `other` to samples that have
none of a person's labels.

A negative is a sample of the label `other`. Generated negatives are samples of one more label, and
samples like them are rejected: Hendrycks et al., Deep Anomaly Detection with Outlier Exposure,
2019, arXiv 1812.04606. Holding out a whole kind of negatives at a time, so that validation is on
unseen kinds, is ours."""

from stages.artifacts import Dataset
from stages.config import TrainConfig

OTHER = "other"
# for the estimate of a budget, before the dataset's labels are known
MAX_NEGATIVES = 400  # of all kinds together
NEGATIVES_PER_SAMPLE = 0.4  # as many as are generated for a dataset of six labels


def labels_of(dataset: Dataset, config: TrainConfig) -> tuple[str, ...]:
    """The labels that a model of `dataset` answers: the dataset's, with `other` last if
    `train.other` asks for it and it is not among them."""
    if not config.rejects or OTHER in dataset.labels:
        return dataset.labels
    return (*dataset.labels, OTHER)


def other_of(dataset: Dataset, config: TrainConfig) -> int | None:
    """The index of `other` among `labels_of`; None if `train.other` is off."""
    return labels_of(dataset, config).index(OTHER) if config.rejects else None


def with_negatives(config: TrainConfig, samples: int) -> int:
    """The number of samples with about as many negatives as will be generated for `samples`
    samples: for estimates of time and memory."""
    return samples + (
        min(MAX_NEGATIVES, round(NEGATIVES_PER_SAMPLE * samples)) if config.rejects else 0
    )
