"""One small model for all tests of this folder: making it imports Paddle."""

import pytest

from tests.evaluate import small


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with a store, and the dataset and model in it."""
    folder = tmp_path_factory.mktemp("trained")
    return folder, *small.stored_shapes(folder, each=40)
