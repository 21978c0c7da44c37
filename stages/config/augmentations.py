"""The type of a list of augmentations in a pipeline."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from stages import parts

Changes = tuple[dict[str, dict[str, Any]], ...]


def _named(value: Any) -> Any:
    """Accept a bare name for an augmentation without arguments."""
    if not isinstance(value, list | tuple):
        return value
    return tuple({item: {}} if isinstance(item, str) else item for item in value)


def _check_names(value: Changes) -> Changes:
    for item in value:
        for name in item:
            parts.AUGMENTATIONS.check(name)
    return value


Augmentations = Annotated[Changes, BeforeValidator(_named), AfterValidator(_check_names)]
