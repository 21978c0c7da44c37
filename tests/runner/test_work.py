"""What is described as deciding a stage's work is all that decides it."""

from stages.deploy.targets.cloud_api import LIBRARIES
from stages.runner.work import STAGE_FACTS


def test_every_library_that_a_package_pins_counts():
    assert set(LIBRARIES) <= set(STAGE_FACTS["deploy"].libraries)
