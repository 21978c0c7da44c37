"""The board holds to the files, and the architecture to its contracts."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from stages import parts
from stages.runtime.backends import BACKENDS
from stages.runtime.errors import UnknownPart
from stages.runtime.registry import Registry

TABLES = [table for table in [*vars(parts).values(), BACKENDS] if isinstance(table, Registry)]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind)
def test_every_part_is_where_the_board_says(table: Registry):
    for name, place in table.places.items():
        module, _, attribute = place.partition(":")
        spec = find_spec(table.home + module)

        assert spec is not None, name
        assert attribute in Path(str(spec.origin)).read_text(), name


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind)
def test_an_unknown_name_is_told_with_the_nearest(table: Registry):
    name = next(iter(table))

    with pytest.raises(UnknownPart, match=f"Did you mean '{name}'"):
        table.check(name + "x")


def test_each_floor_uses_only_the_floors_below_it():
    shown = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert shown.returncode == 0, shown.stdout
