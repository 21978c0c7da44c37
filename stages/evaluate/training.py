"""The training that a report describes: the model, its dataset and where both are stored."""

from typing import NamedTuple

from stages.artifacts import Dataset, Model
from stages.resources import Resources
from stages.store import Store


class Training(NamedTuple):
    """The measured model with its dataset. There is none for a package that stands alone."""

    model: Model
    dataset: Dataset
    store: Store
    resources: Resources
