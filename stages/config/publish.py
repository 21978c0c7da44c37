"""The part of a pipeline about where its live package is put."""

import re
from pathlib import Path

from pydantic import Field, field_validator

from stages.config.section import Section

BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^/\x00-\x1f]+)*/?")


class PublishConfig(Section):
    """Where the live package is put, beside the service of `aiwf up`. Nothing here changes what is
    made."""

    to: str = Field(
        "",
        description="Absolute path of a folder, or s3://bucket/prefix at AIWF_S3_ENDPOINT, where "
        "the package that is live is put as a zip, beside a PIPELINE.json that names it. Rolling "
        "back puts the package before there. Empty: nowhere.",
    )

    @field_validator("to")
    @classmethod
    def place(cls, value: str) -> str:
        """Refuse what is neither an absolute path nor the address of a bucket."""
        is_place = BUCKET.fullmatch(value) if "://" in value else Path(value).is_absolute()
        if value and not is_place:
            raise ValueError(
                f"'{value}' is neither an absolute path, such as /srv/models, nor "
                "s3://bucket/prefix."
            )
        return value
