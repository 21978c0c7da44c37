"""CVAT for images: boxes as they are, boxes around polygons and rotated boxes, the rest told."""

import pytest

from stages.artifacts import Box
from stages.etl.readers import Reading, read_folder
from stages.runtime.errors import DataError
from tests import layouts

CAT, _ = layouts.BOXES["a.png"]
EDGES = 'xtl="10.00" ytl="20.00" xbr="40.00" ybr="50.00"'


def cvat(folder, *images: str) -> Reading:
    layouts.put(folder / "annotations.xml", layouts.cvat_xml("\n".join(images)).encode())
    return read_folder(folder)


def image(name: str, *shapes: str, extra: str = "") -> str:
    sides = f'width="{layouts.WIDTH}" height="{layouts.HEIGHT}"'
    return f'<image id="0" name="{name}" {sides} {extra}>{"".join(shapes)}</image>'


BOX = f'<box label="cat" {EDGES}></box>'


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate("abc"):
        layouts.put(tmp_path / "images" / f"{name}.png", layouts.picture(seed))
    return tmp_path


@pytest.mark.parametrize(
    ("shape", "note"),
    [
        (f'<box label="cat" source="manual" {EDGES} rotation="0.00"/>', ""),
        (f'<box label="cat" {EDGES} rotation="90.00"/>', "1 rotated box in 1 file"),
        ('<polygon label="cat" points="10.00,20.00;40.00,30.00;20.00,50.00"/>', "1 polygon"),
        (f'{BOX}<box label="dog" xtl="5" ytl="5" xbr="5" ybr="5"/>', "1 object without any extent"),
        (f'{BOX}<tag label="night" source="manual"></tag>', ""),
    ],
)
def test_a_shape_becomes_a_box_and_what_is_made_is_said(shape, note, folder):
    reading = cvat(folder, image("a.png", shape))

    assert reading.rows[0].boxes == (CAT,)
    assert reading.rows[0].size == (layouts.WIDTH, layouts.HEIGHT)
    assert note in "".join(reading.notes)
    assert len(reading.notes) == bool(note)


@pytest.mark.parametrize(
    ("shape", "problem"),
    [
        ('<polyline label="cat" points="1,2;3,4"/>', "'cat' is a <polyline>, which is not read"),
        ('<points label="cat" points="1,2"/>', "<points>"),
        ('<ellipse label="cat" cx="9" cy="9" rx="2" ry="3"/>', "<ellipse>"),
        ('<mask label="cat" rle="5, 3" left="0" top="0" width="2" height="4"/>', "<mask>"),
        ('<cuboid label="cat" xtl1="1"/>', "<cuboid>"),
        ('<skeleton label="cat"><points label="1" points="1,2"/></skeleton>', "<skeleton>"),
        (f"<box {EDGES}/>", "the box has no label"),
        ('<polygon label="cat" points="1,2;3"/>', "the corners of 'cat' are not numbers"),
        (f'<box label="cat" {EDGES} rotation="steep"/>', "the corners of 'cat' are not numbers"),
        (f'<box label="cat" {EDGES} rotation="inf"/>', "nan wide"),
        ('<box label="cat" xtl="9" ytl="9" xbr="5" ybr="12"/>', "-4 wide"),
        ('<box label="cat" xtl="0.1" ytl="0.1" xbr="0.5" ybr="0.5"/>', "shares of the picture"),
    ],
)
def test_a_shape_that_is_not_read_sets_its_picture_aside(shape, problem, folder):
    (row,) = cvat(folder, image("a.png", BOX, shape)).rows

    assert row.boxes == ()
    assert problem in row.problem
    assert row.problem.startswith("annotations.xml, line 4: ")


def test_subsets_are_splits_and_pictures_without_shapes_negatives(folder):
    reading = cvat(
        folder,
        image("a.png", BOX, extra='subset="Train"'),
        image("images/b.png", extra='subset="Validation"'),
        image("sub/c.png", extra='subset="other"'),
    )

    assert [row.split for row in reading.rows] == ["train", "validation", ""]
    assert [row.boxes for row in reading.rows] == [(CAT,), (), ()]


@pytest.mark.parametrize(
    ("images", "problem"),
    [
        ([image("z.png")], "line 4: there is no picture 'z.png'"),
        ([image("a.png"), image("a.png")], "'images/a.png' is in annotations.xml, line 4, too"),
        (['<track id="0" label="cat"><box frame="0"/></track>'], "'CVAT for video', which is not"),
        (["<image"], "this is not XML"),
    ],
)
def test_an_export_that_is_wrong_as_a_whole_is_refused_with_its_line(images, problem, folder):
    with pytest.raises(DataError) as raised:
        cvat(folder, *images)

    assert problem in str(raised.value)


@pytest.mark.parametrize("coding", ["utf-16", "utf-8-sig"])
def test_it_may_begin_with_a_byte_order_mark(coding, folder):
    text = layouts.cvat_xml(image("a.png", BOX)).replace("utf-8", coding.removesuffix("-sig"))
    layouts.put(folder / "annotations.xml", text.encode(coding))

    assert read_folder(folder).rows[0].boxes == (Box("cat", 10.0, 20.0, 40.0, 50.0),)
