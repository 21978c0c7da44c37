"""Lists with labels: train_list.txt, val_list.txt, each line a path and a class number or label."""

from collections.abc import Mapping
from os.path import splitext
from typing import ClassVar

from stages.etl.readers import NO_SAMPLES, Reading, Row
from stages.etl.readers.files import Files
from stages.etl.readers.split_lists import (
    Entry,
    Paths,
    entries,
    label_names,
    list_names,
    splits_in_lists,
)
from stages.runtime.errors import DataError


class Lists:
    """Reads lists that PaddleClas and others write, one for each split. Class numbers have their
    names in labels.txt or the like, if there is one."""

    loose: ClassVar[bool] = False

    def matches(self, files: Files) -> bool:
        """Whether each line of some list has a file and a label. Numbers without names do not
        count, if the files of each are in a folder of their own: that is the label."""
        names = list_names(files)
        if not names:
            return False
        paths = Paths(_samples(files))
        labelled = [
            lines
            for name in names
            if (lines := entries(files, name, paths)) and all(entry.label for entry in lines)
        ]
        found = {(entry.label, _folder(paths, entry)) for lines in labelled for entry in lines}
        numbers, folders = ({pair[place] for pair in found} for place in (0, 1))
        are_folders = len(folders) > 1 and len(numbers) == len(folders) == len(found)
        is_named = bool(label_names(files)[0]) or not all(map(str.isdecimal, numbers))
        return bool(labelled) and (is_named or not are_folders)

    def read(self, files: Files) -> Reading:
        """Read a row for each file that a list names. Raises DataError for files that are not
        there, that are in two lists, or that have a number without a name."""
        paths = Paths(_samples(files))
        splits, lists = splits_in_lists(files, _samples(files))
        table, names = label_names(files)
        rows, problems = dict[str, Row](), list[str]()
        for name in lists:
            for entry in entries(files, name, paths):
                file = paths.find(entry.called)
                label = _label(entry.label, names)
                if not label:
                    problems.append(f"{entry.place}: class '{entry.label}' is not in {table}.")
                elif rows.setdefault(file, Row(file, label, splits[file])).label != label:
                    problems.append(f"{entry.place}: '{file}' is '{rows[file].label}', too.")
        if problems:
            raise DataError("\n".join(problems[:20]), "Correct the lists and add the data again.")
        return files.reading(
            (rows[file] for file in sorted(rows)),
            filter(None, (*lists, table)),
            [f"The lists {', '.join(sorted(lists))} give files, labels and splits."],
        )


def _folder(paths: Paths, entry: Entry) -> str:
    return paths.find(entry.called).rpartition("/")[0]


def _samples(files: Files) -> list[str]:
    return [name for name in files.names if splitext(name)[1].lower() not in NO_SAMPLES]


def _label(text: str, names: Mapping[str, str]) -> str:
    """The label that `text` in a list means: a class number, or the label itself; '' if it has no
    name."""
    if not names or text in names.values():
        return text
    return names.get(text, "")
