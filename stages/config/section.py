"""The base class of all sections of a config."""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]


class Section(BaseModel):
    """A frozen part of the configuration; unknown keys and infinite numbers are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def wrap_single_values(cls, value: Any) -> Any:
        """Take one value where a list is expected as a list of one: `families: squeezenet`."""
        if not isinstance(value, dict):
            return value
        return {
            key: [inner] if isinstance(inner, str | int | float) and cls._holds_list(key) else inner
            for key, inner in value.items()
        }

    @classmethod
    def _holds_list(cls, key: Any) -> bool:
        return key in cls.model_fields and _is_list(cls.model_fields[key].annotation)


def _is_list(annotation: Any) -> bool:
    """Whether `annotation` is a tuple of any length, or a union with one."""
    if get_origin(annotation) in (Union, UnionType):
        return any(map(_is_list, get_args(annotation)))
    return get_origin(annotation) is tuple and get_args(annotation)[1:] == (...,)
