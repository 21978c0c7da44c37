"""Splits that a person wrote down, as lists of pictures: train.txt, ImageSets/Main, data.yaml."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath

from stages.etl.readers import few
from stages.etl.readers.files import PICTURES, Files, text_of
from stages.etl.readers.split_names import SPLITS

LIST = re.compile(r"([a-z]+)(?:[ _.-]?(?:list|set|files|images))?\.(?:txt|lst)")
MOST_LOOKED_AT = 65_536  # bytes of a file that may be a list


@dataclass
class Listed:
    """The pictures of one split, and what the lists name that is not there (`missing`)."""

    pictures: dict[str, str] = field(default_factory=dict)  # picture -> where it is named
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class WrittenSplits:
    """The split of each picture that is listed. `notes` and `problems`: what a person should hear,
    and what has to be corrected first."""

    of: Mapping[str, str]
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def split_called(name: str) -> str:
    """The split that a list called `name` is of, as train.txt or val_list.txt; '' if none."""
    found = LIST.fullmatch(PurePosixPath(name).name.lower())
    return SPLITS.get(found[1], "") if found else ""


def add_list(files: Files, name: str, listed: Listed) -> None:
    """Add the pictures that the lines of the list `name` name: paths, or names without suffix.

    A line may have more columns, such as the annotation's path or 1 and -1."""
    for number, line in enumerate(text_of(files.folder, name).splitlines(), 1):
        called = line.strip()
        if not called or called.startswith("#"):
            continue
        picture = picture_called(files, called) or picture_called(files, called.split()[0])
        if picture:
            listed.pictures.setdefault(picture, f"{name}, line {number}")
        else:
            listed.missing.append(called)


def picture_called(files: Files, called: str) -> str:
    """The picture at the end of the path `called`, which may begin on another computer; a name
    without suffix is completed. '' if there is none, or several."""
    parts = parts_of(called)
    names = [parts]
    if parts and PurePosixPath(parts[-1]).suffix.lower() not in PICTURES:
        names = [[*parts[:-1], parts[-1] + kind] for kind in sorted(PICTURES)]
    for start in range(len(parts)):
        found = [name for end in names for name in files.at("/".join(end[start:]))]
        if found:
            return found[0] if len(found) == 1 else _exact(found, called)
    anywhere = [name for end in names if end for name in files.find(end[-1])]
    return anywhere[0] if len(anywhere) == 1 else ""


def _exact(found: Sequence[str], called: str) -> str:
    return next((name for name in found if called.endswith(name)), "")


def parts_of(path: str) -> list[str]:
    """The parts of `path`, of whatever system, without drive, root and dots."""
    plain = PureWindowsPath(path.strip())
    parts = plain.parts[1:] if plain.anchor else plain.parts
    return [part for part in parts if part not in (".", "..")]


def names_pictures(files: Files, name: str) -> bool:
    """Whether the first line of the text file `name` names a picture."""
    with (files.folder / name).open("rb") as data:
        head = data.read(MOST_LOOKED_AT).lstrip(b"\xef\xbb\xbf").decode(errors="replace")
    first = next((line.strip() for line in head.splitlines() if line.strip()), "")
    return bool(first and picture_called(files, first))


def settled(by_split: Mapping[str, Listed], pictures: Iterable[str], source: str) -> WrittenSplits:
    """The split of each of `pictures` by the lists `by_split`, which are those of `source`.

    A picture in two different splits is a problem, except where the lists are equal: a single list
    for all splits, as tools write it in advance, divides nothing."""
    notes = [
        f"{source}: named for {split}, but not here: {_pictures(found.missing)}"
        for split, found in by_split.items()
        if found.missing
    ]
    there = set(pictures)
    sets = {
        split: {name: place for name, place in found.pictures.items() if name in there}
        for split, found in by_split.items()
    }
    notes += [
        f"{source}: named for {split}, but without annotation, so left out: {_pictures(bare)}"
        for split, found in by_split.items()
        if (bare := sorted(set(found.pictures) - there))
    ]
    sets = {split: found for split, found in sets.items() if found}
    notes += _without_equal(sets, source)
    if len(sets) == 1 and len(next(iter(sets.values()))) == len(there):
        notes.append(f"{source}: all pictures are listed for {next(iter(sets))}, which is no split")
        sets = {}
    if problems := _twice(sets, source):
        return WrittenSplits({}, tuple(notes), tuple(problems))
    of = {name: split for split, found in sets.items() for name in found}
    unlisted = sorted(there - set(of))
    if of and unlisted:
        notes.append(
            f"{source}: in no split: {_pictures(unlisted)}; etl adds them to train, or to a split "
            "that has no list"
        )
    return WrittenSplits(of, tuple(notes))


def _pictures(names: Sequence[str]) -> str:
    return f"{len(names)} picture{'' if len(names) == 1 else 's'} ({few(names)})"


def _without_equal(sets: dict[str, dict[str, str]], source: str) -> list[str]:
    """Remove the splits that name the same pictures as another; return what to say of them."""
    notes = []
    for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
        if sets.get(first) and sets.get(second) and set(sets[first]) == set(sets[second]):
            count = len(sets.pop(first))
            same = f"{source}: {first} and {second} are the same pictures, {count} in number"
            if first == "train":
                del sets[second]
                notes.append(f"{same}, so they are not taken for splits")
            else:
                notes.append(f"{same}; they are used as test")
    return notes


def _twice(sets: Mapping[str, Mapping[str, str]], source: str) -> list[str]:
    places: dict[str, dict[str, str]] = defaultdict(dict)
    for split, found in sets.items():
        for name, place in found.items():
            places[name][split] = place
    twice = {name: found for name, found in places.items() if len(found) > 1}
    if not twice:
        return []
    name, found = next(iter(sorted(twice.items())))
    where = " and in ".join(f"{split} ({place})" for split, place in found.items())
    return [
        f"{source}: in more than one split: {_pictures(sorted(twice))}; '{name}' is in {where}."
    ]
