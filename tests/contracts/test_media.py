"""What every modality promises: facts of a sample, a look at it, samples to test a device with."""

import io
import re

import pytest
from PIL import Image

from stages.artifacts import Box
from stages.config import EtlConfig
from stages.parts import MODALITIES
from stages.runtime import steps as runtime
from stages.runtime.errors import BadSample

NAMES = list(MODALITIES)


@pytest.mark.parametrize("name", NAMES)
def test_golden_samples_are_equal_each_time_and_can_be_used(name: str):
    modality = MODALITIES[name]()

    golden = modality.golden()

    assert golden == MODALITIES[name]().golden()
    assert all(key.startswith("golden/") for key in golden)
    for data in golden.values():
        facts = modality.inspect(data, EtlConfig())
        assert all(isinstance(facts[key], int | float) for key in modality.facts)
        assert facts["fingerprint"].shape == (64, 64)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_that_cannot_be_used_is_a_bad_sample(name: str):
    modality = MODALITIES[name]()
    whole = next(iter(modality.golden().values()))

    for data in (b"", b"no sample", whole[:20]):
        with pytest.raises(BadSample):
            modality.inspect(data, EtlConfig())


@pytest.mark.parametrize("name", NAMES)
def test_looks_are_not_made_where_nobody_asks(name: str):
    data = next(iter(MODALITIES[name]().golden().values()))

    assert "fingerprint" not in MODALITIES[name]().inspect(data, EtlConfig(near_duplicates=False))


@pytest.mark.parametrize("name", NAMES)
def test_thumbnails_are_small_jpegs(name: str):
    for data in MODALITIES[name]().golden().values():
        image = Image.open(io.BytesIO(MODALITIES[name]().thumbnail(data, 64)))

        assert image.format == "JPEG"
        assert max(image.size) <= 64


@pytest.mark.parametrize("name", NAMES)
def test_a_preview_needs_nothing_from_elsewhere(name: str):
    modality = MODALITIES[name]()
    data = next(iter(modality.golden().values()))
    value = runtime.prepared(modality.decoding({}), data).windows[0]

    for html in (modality.preview(data, 96), modality.drawn(value, 96)):
        assert "data:image/" in html
        assert not re.search(r"""(src|href)=["'](?!data:)""", html)


def test_boxes_are_drawn_with_their_labels_and_nothing_of_a_label_is_markup():
    modality = MODALITIES["pictures"]()
    data = modality.golden()["golden/plain.png"]
    boxes = (Box("<b>one", 4.0, 5.0, 90.0, 80.0), Box("größe 日本", 10.0, 10.0, 60.0, 70.0))

    html = modality.preview(data, 96, boxes)

    assert html.count("<rect") == 2
    assert "&lt;b&gt;one" in html
    assert "größe 日本" in html
    assert modality.thumbnail(data, 96, boxes) != modality.thumbnail(data, 96)
