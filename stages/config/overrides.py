"""Changes single values of a config by texts such as 'train.trials=5'."""

from copy import deepcopy
from typing import Any

from stages.config.etl import DataConfig
from stages.config.safe_yaml import YamlProblem, parse_yaml
from stages.runtime.errors import ConfigError


def override(raw: dict[str, Any], changes: tuple[str, ...]) -> dict[str, Any]:
    """`raw` with every 'dotted.key=value' of `changes` applied; values are parsed as YAML."""
    changed = deepcopy(raw)
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals or not key:
            raise ConfigError(f"'{change}' is not a change.", "Write key=value: train.trials=5")
        _set(changed, key.split("."), _value(change, value))
    return changed


def places(changes: tuple[str, ...]) -> dict[tuple[str | int, ...], str]:
    """Each change by the place of its key, such as ('train', 'trials')."""
    return {tuple(change.partition("=")[0].split(".")): change for change in changes}


def _set(table: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        inner = table.get(key)
        if isinstance(inner, str) and key == "data":  # data: name, the short form
            inner = DataConfig.fields_of(inner)
        table[key] = inner if isinstance(inner, dict) else {}
        table = table[key]
    table[keys[-1]] = value


def _value(change: str, text: str) -> Any:
    try:
        return parse_yaml(text).value
    except YamlProblem as error:
        raise ConfigError(
            f"The value in '{change}' is not YAML that can be read: {error.problem}.", "Quote it."
        ) from None
