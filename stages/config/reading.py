"""Reads a pipeline's YAML, and reports all mistakes at once, each with its line."""

import reprlib
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from stages.config.overrides import override, places
from stages.config.safe_yaml import SecondKey, YamlProblem, line_of, parse_yaml
from stages.config.sections import PipelineConfig
from stages.config.text_file import decoded
from stages.runtime.errors import ConfigError
from stages.runtime.registry import nearest

MOST_BYTES = 1_000_000
MOST_LISTED = 20  # mistakes of one pipeline
LONGEST = 2_000  # characters of a key or an explanation in an error
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
        raise ConfigError(f"There is no {_what(path)}.", _offer(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Cannot read {path}: {error}.", "Save it as UTF-8 text.") from error


def named_pipeline(path: Path, folder: Path) -> Path:
    """The YAML that a person means by `path`: a file, or the name of a pipeline in `folder`."""
    named = folder / f"{path}.yaml"
    return named if _is_name(path) and not path.is_file() and named.is_file() else path


def pipeline_files(folder: Path) -> list[Path]:
    """The YAMLs of pipelines in `folder`, sorted; `folder` itself if it is a file."""
    return [folder] if folder.is_file() else sorted(folder.glob("*.y*ml"))


def _is_name(path: Path) -> bool:
    """Whether `path` may be a pipeline's name, as it has neither a folder nor a suffix."""
    return path.parent == Path() and not path.suffix


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
    lines = key_lines(node) if node else {}
    return checked(override(raw, changes), source, lines, places(changes))


def _unreadable(error: YamlProblem, source: str) -> ConfigError:
    place = f"{source}, line {error.line}" if error.line else source
    if isinstance(error, SecondKey):
        return ConfigError(f"{place}: {error.problem}.", "Keep one of the two.")
    return ConfigError(
        f"{place}: this is not YAML that can be read: {error.problem}.",
        "Check indentation, colons and quotes.",
    )


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
            for problem in rest[:MOST_LISTED]
        ]
        if len(rest) > MOST_LISTED:
            messages.append(f"{source}: and {len(rest) - MOST_LISTED} more mistakes.")
        raise ConfigError("\n".join(messages), "") from error


def key_lines(root: yaml.Node) -> dict[Place, int]:
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
    key = ".".join(map(str, place))
    return f"{key[:LONGEST]}: {_explanation(problem, place)[:LONGEST]}"


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
    return f"pipeline called '{path}', and no such file" if _is_name(path) else f"file {path}"


def _offer(path: Path) -> str:
    folder = Path("configs/pipelines") if _is_name(path) else path.parent
    pipelines = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    names = {str(other) if path.suffix else other.stem for other in pipelines}
    return f"{nearest(str(path), sorted(names))}Pipelines are in configs/pipelines/."
