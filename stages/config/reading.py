"""Reads a pipeline's YAML, and reports all mistakes at once, each with its line."""

import reprlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from stages.config.overrides import override, places
from stages.config.safe_yaml import YamlProblem, parse_yaml
from stages.config.sections import PipelineConfig
from stages.runtime.errors import ConfigError
from stages.runtime.registry import nearest

MOST_BYTES = 1_000_000
RENAMED = {"space": "search_space", "finalists": "candidates", "left_out": "excluded"}
EXPECTED = {  # start of the type of a pydantic problem: words; braces hold its context
    "int_": "this has to be a whole number",
    "float_": "this has to be a number",
    "bool_": "this has to be true or false",
    "string_": "this has to be text",
    "tuple_": "this has to be a list",
    "dict_": "this has to be a table of keys",
    "finite": "this has to be a finite number",
    "greater_than_equal": "this has to be at least {ge}",
    "greater_than": "this has to be more than {gt}",
    "less_than_equal": "this has to be at most {le}",
    "less_than": "this has to be less than {lt}",
    "literal_error": "this has to be {expected}",
    "too_short": "this needs at least {min_length}",
}
Place = tuple[str | int, ...]


def read_pipeline(path: Path, changes: tuple[str, ...] = ()) -> PipelineConfig:
    """The pipeline in the file at `path`, with `changes` such as 'train.trials=5' applied.

    Raises ConfigError with file, line and key of everything that is wrong."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(f"{path} is too large for a pipeline.", "Is it another file?")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"There is no {_what(path)}.", _offer(path)) from None
    except IsADirectoryError:
        raise ConfigError(f"{path} is a folder.", "Name one pipeline's YAML.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Cannot read {path}: {error}.", "Save it as UTF-8 text.") from error
    return parse_pipeline(text, str(path), changes)


def named_pipeline(path: Path, folder: Path) -> Path:
    """The YAML that a person means by `path`: a file, or the name of a pipeline in `folder`."""
    named = folder / f"{path}.yaml"
    is_name = path.parent == Path() and not path.suffix
    return named if is_name and not path.is_file() and named.is_file() else path


def parse_pipeline(
    text: str, source: str = "pipeline", changes: tuple[str, ...] = ()
) -> PipelineConfig:
    """Parse the pipeline in `text`; `source` is its name in errors."""
    try:
        raw, node = parse_yaml(text)
    except YamlProblem as error:
        line = f", line {error.line}" if error.line else ""
        raise ConfigError(
            f"{source}{line}: this is not YAML that can be read: {error.problem}.",
            "Check indentation, colons and quotes.",
        ) from None
    if not isinstance(raw, dict):
        kind = {list: "a list", type(None): "empty"}.get(type(raw), "a single value")
        raise ConfigError(
            f"{source}: a pipeline is a table of keys, and this is {kind}.",
            "Write at least three lines: name: ..., task: ..., data: ...",
        )
    _refuse_doubles(node, source)
    return checked(override(raw, changes), source, _lines(node), places(changes))


def checked(
    raw: dict[str, Any],
    source: str,
    lines: Mapping[Place, int] = MappingProxyType({}),
    changes: Mapping[Place, str] = MappingProxyType({}),
) -> PipelineConfig:
    """Validate the pipeline `raw`; errors name the change that set the value, or `source` with the
    line of the key if it is known.

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
        messages = [
            f"{_origin(problem['loc'], source, lines, changes)}: {_message(problem)}"
            for problem in rest
        ]
        raise ConfigError("\n".join(messages), "") from error


def _refuse_doubles(node: Any, source: str) -> None:
    """Raise ConfigError for a key that occurs twice in one table: YAML would drop the first."""
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if key.value in keys:
                raise ConfigError(
                    f"{source}, line {key.start_mark.line + 1}: there is a second '{key.value}'.",
                    "Keep one of the two.",
                )
            keys.add(key.value)
            _refuse_doubles(value, source)


def _lines(node: Any, place: Place = ()) -> dict[Place, int]:
    """The line of every key below `node`."""
    lines: dict[Place, int] = {place: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines |= _lines(value, (*place, key.value))
            lines[(*place, key.value)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines |= _lines(value, (*place, index))
    return lines


def _origin(
    place: Place, source: str, lines: Mapping[Place, int], changes: Mapping[Place, str]
) -> str:
    """What set the value at `place`: one of `changes`, or a line of `source`."""
    for changed, text in changes.items():
        common = min(len(changed), len(place))
        if changed[:common] == place[:common]:
            return f"'{text}'"
    located = place
    while located not in lines and located:
        located = located[:-1]
    return source + (f", line {lines[located]}" if located in lines else "")


def _message(problem: Any) -> str:
    place: Place = problem["loc"]
    return f"{'.'.join(map(str, place))}: {_explanation(problem, place)}"


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
            return f"{_expected(problem)}; it is {_short(problem['input'])}."


def _expected(problem: Any) -> str:
    """What the key has to hold, in plain words; pydantic's own text where there are none."""
    kind, limits = str(problem["type"]), problem.get("ctx", {})
    for start, text in EXPECTED.items():
        if kind.startswith(start):
            return text.format(**limits)
    return str(problem["msg"])


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


def _what(path: Path) -> str:
    is_file = path.suffix or path.parent != Path()
    return f"file {path}" if is_file else f"pipeline called '{path}', and no such file"


def _offer(path: Path) -> str:
    folder = path.parent if path.suffix or path.parent != Path() else Path("configs/pipelines")
    pipelines = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    names = {str(other) if path.suffix else other.stem for other in pipelines}
    return f"{nearest(str(path), sorted(names))}Pipelines are in configs/pipelines/."
