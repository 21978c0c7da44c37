"""A user's answers to what the data leave open: which layout, whose splits, what is left out."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory

from stages.etl.readers.files import Files
from stages.etl.readers.walking import walk
from stages.parts import READERS
from stages.runtime.errors import ConfigError, Damaged
from stages.runtime.files import write

ANSWERS = ".aiwf-answers.json"  # in our copy; hidden, so that no reader takes it for a user's file
OURS, THEIRS = "ours", "theirs"


@dataclass(frozen=True)
class Choices:
    """`layout`: a reader's name. `splits`: "theirs" uses the splits that folders, lists or columns
    name, "ours" does not. `exclude`: patterns of files and folders. Empty: not answered."""

    layout: str = ""
    splits: str = ""
    exclude: tuple[str, ...] = ()

    def answering(self, option: str, value: str) -> "Choices":
        """These answers with `value` for `option`, layout or splits."""
        return replace(self, layout=value) if option == "layout" else replace(self, splits=value)

    def options(self) -> str:
        """The answers as options of `aiwf data add`."""
        answers = [("layout", self.layout), ("splits", self.splits)]
        answers += [("leave-out", pattern) for pattern in self.exclude]
        return " ".join(f"--{option} {quote(value)}" for option, value in answers if value)


def stored_choices(folder: Path) -> Choices:
    """The answers that are kept with the data in `folder`; none for a user's own folder and for
    data that left nothing open. Raises Damaged if they cannot be read."""
    try:
        record = json.loads((folder / ANSWERS).read_text(encoding="utf-8"))
        return Choices(**{**record, "exclude": tuple(record["exclude"])})
    except (FileNotFoundError, NotADirectoryError):
        return Choices()
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise Damaged(f"{ANSWERS} cannot be read: {error}.", "Add the data again.") from error


def keep_choices(choices: Choices, folder: Path) -> None:
    """Write `choices` beside the data in `folder`, if there are any: data without answers keep the
    revision that their files give."""
    if choices != Choices():
        write(folder / ANSWERS, json.dumps(asdict(choices), sort_keys=True) + "\n")


def check_choices(choices: Choices, folder: Path) -> None:
    """Raise ConfigError for an answer that cannot be: a layout or a word that there is not, or a
    pattern that matches no file of `folder`."""
    if choices.layout:
        READERS.check(choices.layout)
    if choices.splits not in ("", OURS, THEIRS):
        raise ConfigError(
            f"--splits is '{choices.splits}'.",
            f"Write {THEIRS} for the splits that the data name, or {OURS} for those of etl.",
        )
    names = walk(folder).files if choices.exclude else []
    for pattern in choices.exclude:
        if not any(is_excluded(name, [pattern]) for name in names):
            raise ConfigError(
                f"--leave-out '{pattern}' matches no file of {folder.name}.",
                "Give a name or a pattern such as test, raw/*.txt or '*.csv', relative to it.",
            )


def is_excluded(name: str, patterns: Sequence[str]) -> bool:
    """Whether one of `patterns` matches the file `name`, a folder on its path, or its last part."""
    parts = name.split("/")
    paths = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return any(
        fnmatchcase(path, pattern.strip("/"))
        for pattern in patterns
        for path in (*paths, parts[-1])
    )


@contextmanager
def files_without(files: Files, patterns: Sequence[str]) -> Iterator[Files]:
    """The files of a folder of links to those of `files` that no pattern excludes; `files`
    themselves if that are all. The folder has the name that errors are to show."""
    folder = files.folder
    included = [name for name in files.names if not is_excluded(name, patterns)]
    if len(included) == len(files.names):
        yield files
        return
    with TemporaryDirectory(prefix="aiwf-without-") as temporary:
        view = Path(temporary) / (folder.name or "data")
        view.mkdir()
        for name in included:
            (view / name).parent.mkdir(parents=True, exist_ok=True)
            os.symlink(os.path.abspath(folder / name), view / name)
        yield Files(view)
