"""Reads a pipeline's YAML, and reports all mistakes at once, each with its line."""

import reprlib
import stat
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from stages.config.overrides import override
from stages.config.safe_yaml import SecondKey, YamlProblem, line_of, parse_yaml
from stages.config.sections import PipelineConfig
from stages.config.text_file import decoded
from stages.runtime.errors import ConfigError
from stages.runtime.registry import nearest

MOST_BYTES = 1_000_000
MOST_LISTED = 20  # mistakes of one pipeline
LONGEST = 2_000  # characters of a key or an explanation in an error
RENAMED = {"space": "search_space", "finalists": "candidates", "left_out": "excluded"}
Place = tuple[str | int, ...]


def read_pipeline(path: Path, changes: tuple[str, ...] = ()) -> PipelineConfig:
    """The pipeline in the file at `path`, with `changes` such as 'train.trials=5' applied.

    Raises ConfigError with file, line and key of everything that is wrong."""
    return parse_pipeline(_text(path), str(path), changes)


def _text(path: Path) -> str:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ConfigError(f"{path} is a folder.", "Name one pipeline's YAML.")
        if not stat.S_ISREG(status.st_mode):  # to read a pipe or a device may never end
            raise ConfigError(f"{path} is not a file.", "Name one pipeline's YAML.")
        if status.st_size > MOST_BYTES:
            raise ConfigError(f"{path} is too large for a pipeline.", "Is it another file?")
        return decoded(path.read_bytes())
    except FileNotFoundError:
        raise ConfigError(f"There is no file {path}.", _offer(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Cannot read {path}: {error}.", "Save it as UTF-8 text.") from error


def parse_pipeline(
    text: str, source: str = "pipeline", changes: tuple[str, ...] = ()
) -> PipelineConfig:
    """Parse the pipeline in `text`; `source` is its name in errors."""
    try:
        raw, node = parse_yaml(text)
    except YamlProblem as error:
        raise _unreadable(error, source) from None
    if not isinstance(raw, dict):
        kind = {list: "a list", type(None): "empty"}.get(type(raw), "a single value")
        raise ConfigError(
            f"{source}: a pipeline is a table of keys, and this is {kind}.",
            "Write at least three lines: name: ..., task: ..., data: ...",
        )
    return checked(override(raw, changes), source, _lines(node) if node else None)


def _unreadable(error: YamlProblem, source: str) -> ConfigError:
    place = f"{source}, line {error.line}" if error.line else source
    if isinstance(error, SecondKey):
        return ConfigError(f"{place}: {error.problem}.", "Keep one of the two.")
    return ConfigError(
        f"{place}: this is not YAML that can be read: {error.problem}.",
        "Check indentation, colons and quotes.",
    )


def checked(
    raw: dict[str, Any], source: str, lines: dict[Place, int] | None = None
) -> PipelineConfig:
    """Validate the pipeline `raw`; errors name `source`, and the line of a key if known.

    Raises ConfigError with everything that is wrong."""
    try:
        return PipelineConfig.model_validate(raw)
    except ValidationError as error:
        problems = error.errors()
        inner = {problem["loc"][:-1] for problem in problems}  # a list with only invalid items
        rest = [
            problem
            for problem in problems
            if problem["type"] != "too_short" or problem["loc"] not in inner
        ]
        messages = [_message(problem, source, lines or {}) for problem in rest[:MOST_LISTED]]
        if len(rest) > MOST_LISTED:
            messages.append(f"{source}: and {len(rest) - MOST_LISTED} more mistakes.")
        raise ConfigError("\n".join(messages), "") from error


def _lines(root: yaml.Node) -> dict[Place, int]:
    """The line of every key below `root`."""
    lines: dict[Place, int] = {}
    waiting: list[tuple[Place, yaml.Node, int]] = [((), root, line_of(root))]
    while waiting:
        place, node, line = waiting.pop()
        lines[place] = line
        if isinstance(node, yaml.MappingNode):
            waiting += [((*place, key.value), value, line_of(key)) for key, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            waiting += [((*place, index), value, line_of(value)) for index, value in items]
    return lines


def _message(problem: Any, source: str, lines: dict[Place, int]) -> str:
    place: Place = problem["loc"]
    located = place
    while located not in lines and located:
        located = located[:-1]
    line = f", line {lines[located]}" if located in lines else ""
    key = ".".join(map(str, place))
    return f"{source}{line}: {key[:LONGEST]}: {_explanation(problem, place)[:LONGEST]}"


def _explanation(problem: Any, place: Place) -> str:
    match problem["type"]:
        case "missing":
            return "this key is required. Add it."
        case "extra_forbidden":
            return f"there is no such key. {_near_key(place)}"
        case "value_error":
            return str(problem["ctx"]["error"]).replace("\n", " ")
        case "string_pattern_mismatch":
            return (
                f"{_short(problem['input'])} is not a name. "
                "Use small letters, digits and underscores, a letter first, 50 at most."
            )
        case "model_type" | "model_attributes_type":
            return f"this key holds a table of keys; it is {_short(problem['input'])}."
        case _:
            return f"{problem['msg']}; it is {_short(problem['input'])}."


def _short(value: Any) -> str:
    """`value` as text, shortened: aliases can make a short YAML very long."""
    brief = reprlib.Repr()
    brief.maxstring = brief.maxother = 80
    brief.maxlevel = 2
    return brief.repr(value)


def _near_key(place: Place) -> str:
    keys = list(_model_at(place[:-1]).model_fields)
    if RENAMED.get(str(place[-1])) in keys:
        return f"It is called '{RENAMED[str(place[-1])]}' now."
    return f"{nearest(str(place[-1]), keys)}There are: {', '.join(keys)}."


def _model_at(place: Place) -> type[BaseModel]:
    model: type[BaseModel] = PipelineConfig
    for key in place:
        found = model.model_fields[str(key)].annotation if str(key) in model.model_fields else None
        if isinstance(found, type) and issubclass(found, BaseModel):
            model = found
    return model


def _offer(path: Path) -> str:
    pipelines = (
        sorted(str(other) for other in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
    )
    return f"{nearest(str(path), pipelines)}Pipelines are in configs/pipelines/."
