"""The floors hold for what is reached by a string, which the import contracts do not see: a place
on a board, or the module of a child's program."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages import parts
from stages.runtime.registry import Registry

ROOT = Path(__file__).parents[2]
BOARDS = {name: board for name, board in vars(parts).items() if isinstance(board, Registry)}
MODULE = re.compile(r"\bstages(?:\.\w+)+|(?<![\w.])(?:\.[a-z]\w*)+(?=:\w+$)")
NAMES = "a YAML may say these names: they are checked and listed, and no part is opened"
DEFAULTS = "a task declares the defaults of its YAML; it is the one part that reading opens"
# What looks up, and may: (module, board or module) -> why. The board is the seam there, by design.
SEAMS = {
    ("stages.config.augmentations", "AUGMENTATIONS"): NAMES,
    ("stages.config.device_profile", "ENGINES"): NAMES,
    ("stages.config.distillation", "FAMILIES"): NAMES,
    ("stages.config.evaluate", "ENGINES"): NAMES,
    ("stages.config.evaluate", "TARGETS"): NAMES,
    ("stages.config.reference", "TASKS"): DEFAULTS,
    ("stages.config.schema", "CONTROLLERS"): NAMES,
    ("stages.config.schema", "ENGINES"): NAMES,
    ("stages.config.schema", "FAMILIES"): NAMES,
    ("stages.config.schema", "SEARCHERS"): NAMES,
    ("stages.config.schema", "TARGETS"): NAMES,
    ("stages.config.schema", "TASKS"): NAMES,
    ("stages.config.sections", "TASKS"): DEFAULTS,
    ("stages.config.train", "CONTROLLERS"): NAMES,
    ("stages.config.train", "FAMILIES"): NAMES,
    ("stages.config.train", "SEARCHERS"): NAMES,
    ("stages.closure", "TASKS"): "it reads which parts a task declares, to follow their sources",
    ("stages.studio.run_process", "stages.cli"): "a run is the command itself, in its own process",
    ("stages.etl.source", "SAMPLES"): "an error says which name is that of a sample data set",
}


def layers() -> dict[str, int]:
    """The floor of each room of `stages`, from the import contracts; 0 is the highest."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [floors] = [found for found in contracts["contracts"] if found["type"] == "layers"]
    return {
        room.strip(): number
        for number, floor in enumerate(floors["layers"])
        for room in floor.split("|")
    }


FLOORS = layers()


def sources() -> Iterator[tuple[str, ast.Module, str]]:
    """Each module of `stages`: its name, its tree, and the package that relative places in it
    begin with."""
    for path in sorted((ROOT / "stages").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        module = name.removesuffix(".__init__")
        package = module if name != module else module.rpartition(".")[0]
        if module not in ("stages", "stages.parts"):  # the board names places, and opens none
            yield module, ast.parse(path.read_bytes()), package


def boards_of(tree: ast.Module) -> Iterator[str]:
    """The boards that a module imports, or reads as an attribute of `parts`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "stages.parts":
            yield from (alias.name for alias in node.names if alias.name in BOARDS)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield from [node.attr] if node.value.id == "parts" and node.attr in BOARDS else []


def named(tree: ast.Module, package: str) -> Iterator[str]:
    """The modules of `stages` that a module names in its strings, but for its docstrings."""
    docstrings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if node in docstrings:
            continue
        for found in MODULE.findall(node.value):
            module = package + found if found.startswith(".") else found
            if is_module(module):
                yield module


def is_module(name: str) -> bool:
    place = ROOT / name.replace(".", "/")
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def is_higher(module: str, target: str) -> bool:
    """Whether `target` is on a higher floor than `module`, or in a room beside it."""
    here, there = module.split(".")[1], target.split(".")[1]
    return here != there and FLOORS[there] <= FLOORS[here]


def places(board: str) -> list[str]:
    table = BOARDS[board]
    return [table.home + place.partition(":")[0] for place in table.places.values()]


def upward(module: str, tree: ast.Module, package: str) -> set[str]:
    """What `module` names that is above it: boards by name, other modules by their own."""
    boards = {
        board
        for board in boards_of(tree)
        if any(is_higher(module, place) for place in places(board))
    }
    return boards | {target for target in named(tree, package) if is_higher(module, target)}


@pytest.mark.parametrize("board", BOARDS)
def test_every_place_of_a_board_is_on_a_floor(board):
    assert {place.split(".")[1] for place in places(board)} <= set(FLOORS)


def test_nothing_reaches_up_by_a_string_but_where_the_board_is_the_seam():
    found = {
        (module, what)
        for module, tree, package in sources()
        for what in upward(module, tree, package)
    }

    assert found == set(SEAMS)


@pytest.mark.parametrize(
    ("module", "text", "what"),
    [
        ("stages.train.cost", "from stages.parts import ENGINES", "ENGINES"),
        ("stages.train.cost", "from stages import parts\nparts.TARGETS['cloud_api']", "TARGETS"),
        (
            "stages.models",
            "PLACE = 'stages.train.heads.features:Extractor'",
            "stages.train.heads.features",
        ),
        ("stages.train", "run('python -m stages.runner.job')", "stages.runner.job"),
        ("stages.config", "Registry('it', __name__, {'it': '.train:Train'})", None),
        ("stages.deploy", "from stages.parts import TRAINERS", None),
        ("stages.media", '"""As stages.deploy does."""', None),
    ],
)
def test_what_is_reached_by_a_string_is_found(module, text, what):
    assert upward(module, ast.parse(text), module) == ({what} if what else set())
