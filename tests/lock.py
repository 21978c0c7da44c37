"""The digest of what pyproject.toml requires; `make lock` writes it on the lock's first line."""

import tomllib
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]


def required() -> list[str]:
    """Every requirement of the project and of its test extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["test"]]


def digest() -> str:
    return sha256("\n".join(required()).encode()).hexdigest()


if __name__ == "__main__":
    print(digest())
