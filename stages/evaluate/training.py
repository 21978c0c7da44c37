"""What a report may look back at: the model, the data it learnt from, and where both are kept."""

from typing import NamedTuple

from stages.artifacts import Dataset, Model
from stages.settings import Settings
from stages.store import Store


class Training(NamedTuple):
    """Of the model that is measured; a package that stands alone has none."""

    model: Model
    dataset: Dataset
    store: Store
    settings: Settings
