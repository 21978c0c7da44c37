"""What a pipeline may keep of what it is asked in use: nothing, unless a person says so."""

import json
import secrets
from typing import Self

from pydantic import Field, ValidationError

from stages.artifacts import Record
from stages.etl.split import place_of
from stages.publish.places import live_folder
from stages.runtime.errors import ConfigError
from stages.runtime.files import write
from stages.settings import Settings

FILE = "policy.json"


class UsePolicy(Record):
    """Shares from 0 to 1: `random` of all inputs, whatever they are; `doubtful` of those whose
    answer is not sure; `rejected` of those that have none of the labels. `reports`: whether people
    may say that an answer is wrong. `most_inputs`, `most_megabytes`: the caps. `days`: how long an
    input is kept that nobody accepted.

    `salt`: secret, so that nobody can send inputs that are surely drawn."""

    random: float = Field(0.0, ge=0, le=1)
    doubtful: float = Field(0.0, ge=0, le=1)
    rejected: float = Field(0.0, ge=0, le=1)
    reports: bool = False
    most_inputs: int = Field(1000, ge=1, le=20_000)
    most_megabytes: int = Field(500, ge=1, le=100_000)
    days: int = Field(90, ge=1, le=3650)
    salt: str = ""

    @property
    def is_on(self) -> bool:
        """Whether anything is kept."""
        return bool(self.random or self.doubtful or self.rejected or self.reports)

    def draws(self, reason: str, digest: str) -> bool:
        """Whether the input with `digest` is kept for `reason`: a fixed draw by its bytes and the
        salt, so that the same input twice is no second chance."""
        share: float = getattr(self, reason)
        return place_of(f"{self.salt}/{reason}/{digest}") < share

    @classmethod
    def of(cls, values: dict[str, object]) -> Self:
        """The policy with these `values`. Raises ConfigError for one that cannot be."""
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            raise ConfigError(
                f"{first['loc'][0]}: {first['msg']}.", "Correct it; nothing was changed."
            ) from None


def policy_of(pipeline: str, settings: Settings) -> UsePolicy:
    """The policy of `pipeline`; that nothing is kept if there is none, or none that can be read."""
    try:
        path = live_folder(pipeline, settings) / FILE
        return UsePolicy.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return UsePolicy()


def set_policy(pipeline: str, policy: UsePolicy, settings: Settings) -> None:
    """Let `policy` hold from now on. The salt stays what it was, so that draws do."""
    salt = policy_of(pipeline, settings).salt or secrets.token_hex(16)
    record = policy.model_copy(update={"salt": salt}).model_dump(mode="json")
    write(live_folder(pipeline, settings) / FILE, json.dumps(record))
