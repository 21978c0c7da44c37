"""How many windows a sound may have."""

import numpy as np
import pytest

from stages.runtime.errors import BadSample
from stages.runtime.windows import MOST, windows


def test_a_recording_of_very_many_windows_is_told():
    with pytest.raises(BadSample, match="too long"):
        windows(np.zeros((4, 10 * (MOST + 1)), np.float32), frames=10, overlap=0.0)


def test_as_many_as_allowed_are_made():
    parts = windows(np.zeros((4, 10 * MOST), np.float32), frames=10, overlap=0.0)

    assert parts.shape == (MOST, 1, 4, 10)
