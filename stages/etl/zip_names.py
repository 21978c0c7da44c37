"""The names in a zip that does not say how they are encoded.

By the standard such names are in CP437, but Windows writes them in the code page of its language,
and macOS in UTF-8. Some programs of Windows also write backslashes between the parts."""

import zipfile
from collections.abc import Sequence

from stages.runtime.errors import DataError

UTF_8_FLAG = 0x800
STANDARD = "cp437"
MOST_ACCENTED = 1 / 3  # of the letters in a name of a European language
LATIN_END = 0x250
SCRIPTS = {  # code pages, with the characters of the languages that they are for
    "gbk": ((0x4E00, 0x9FFF), (0x3000, 0x303F), (0xFF00, 0xFFEF)),
    "cp932": ((0x3040, 0x30FF), (0x4E00, 0x9FFF), (0x3000, 0x303F), (0xFF00, 0xFFEF)),
    "cp866": ((0x0400, 0x04FF),),
}


def encoding_of(members: Sequence[zipfile.ZipInfo], archive: str) -> str:
    """The encoding of the names in `members` that are not marked as UTF-8, as zipfile's
    metadata_encoding. `archive`: the zip's name, for errors.

    Raises DataError if none of those that are known gives readable names."""
    unmarked = [member for member in members if not member.flag_bits & UTF_8_FLAG]
    names = [member.orig_filename.encode(STANDARD) for member in unmarked]
    unmarked_names = [name for name in names if not name.isascii()]
    if not unmarked_names:
        return STANDARD
    for encoding in ("utf-8", STANDARD, *SCRIPTS):
        if all(_is_readable(name, encoding) for name in unmarked_names):
            return encoding
    raise DataError(
        f"{archive}: {len(unmarked_names)} names are in an encoding that cannot be told, such as "
        f"{unmarked_names[0].decode(STANDARD)!a}.",
        "Unpack it on the computer where it was made and add the folder, or make the zip again "
        "with names in UTF-8, as 7-Zip does.",
    )


def plain_name(member: zipfile.ZipInfo) -> str:
    """The name of `member` with / between its parts."""
    return member.filename.replace("\\", "/")


def _is_readable(name: bytes, encoding: str) -> bool:
    """Whether `name` is a text of a language that `encoding` is for."""
    try:
        text = name.decode(encoding)
    except UnicodeDecodeError:
        return False
    other = [letter for letter in text if not letter.isascii()]
    if encoding == "utf-8":
        return True
    if encoding == STANDARD:
        letters = sum(letter.isalpha() for letter in text)
        latin = all(letter.isalpha() and ord(letter) < LATIN_END for letter in other)
        return latin and len(other) <= MOST_ACCENTED * letters
    ranges = SCRIPTS[encoding]
    inside = all(any(low <= ord(letter) <= high for low, high in ranges) for letter in other)
    return inside and (encoding != "gbk" or _is_common_chinese(other))


def _is_common_chinese(letters: Sequence[str]) -> bool:
    """Whether most of `letters` are in GB 2312: bytes of other encodings give rare ones."""
    common = 0
    for letter in letters:
        try:
            letter.encode("gb2312")
        except UnicodeEncodeError:
            continue
        common += 1
    return 2 * common > len(letters)
