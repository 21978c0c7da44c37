"""What a file that no decoder takes is, by its first bytes, and what to do about it."""

import re
from typing import Literal, NamedTuple

from .heic import BRANDS, LIBRARY

Kind = Literal["picture", "sound"]
SHOWN = 512  # bytes at the beginning that are looked at


class Signature(NamedTuple):
    """`start`: a pattern of a file's first bytes. `is_a`: what such a file is, as the end of a
    sentence. `remedy`: what to do about it."""

    start: re.Pattern[bytes]
    is_a: str
    remedy: str


def _signature(start: bytes, is_a: str, remedy: str) -> Signature:
    return Signature(re.compile(start, re.DOTALL | re.IGNORECASE), is_a, remedy)


AS_PICTURE = {"picture": "Save it as JPEG or PNG.", "sound": "Save it as WAV or FLAC."}
AGAIN = "Download it again: the address gave a page instead of the file."
EITHER = (
    _signature(
        rb"version https://git-lfs\.github\.com/",
        "a pointer of git-lfs and not the file itself",
        "Fetch the files with `git lfs pull`, then add the folder again.",
    ),
    _signature(
        rb"\.?\.?/?[^\n]{0,200}annex/objects/",
        "a pointer of git-annex and not the file itself",
        "Fetch the files with `git annex get .`, then add the folder again.",
    ),
    _signature(rb"\s*(<!doctype html|<html|<head|<body)", "a web page (HTML)", AGAIN),
    _signature(rb"\s*<\?xml[^>]*>\s*(<!--.*?-->\s*)?<Error>", "an error message (XML)", AGAIN),
    _signature(rb"\s*\{\s*\"(error|message|code)\"", "an error message (JSON)", AGAIN),
    _signature(rb"PK\x03\x04", "a zip archive", "Unpack it, and add the folder."),
    _signature(rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!", "an archive", "Unpack it first."),
    _signature(rb"%PDF-", "a PDF document", "Export its pages as pictures."),
    _signature(rb"....ftypqt  |....moov|\x1aE\xdf\xa3", "a video", "{save}"),
    _signature(rb"RIFF....AVI ", "a video", "{save}"),
)
OF_PICTURES = (
    _signature(
        BRANDS.pattern,
        "an HEIC photo, as iPhones take them, which is not read here",
        f"Run: pip install {LIBRARY} (the extra heic of AI Workflow), or export the photos as JPEG "
        "(iPhone: Settings, Camera, Formats, Most Compatible).",
    ),
    _signature(
        rb"....ftypavi[fs]",
        "an AVIF picture, which is not read here",
        "Save it as JPEG or PNG, or install a Pillow that reads AVIF: pip install 'pillow>=11.3'.",
    ),
    _signature(rb"....ftypcrx |FUJIFILMCCD-RAW|IIRO|IIU\0", "a camera's raw file", "{save}"),
    _signature(rb"8BPS", "a Photoshop file", "{save}"),
    _signature(rb"gimp xcf", "a GIMP file", "{save}"),
    _signature(rb"\s*(<\?xml.{0,400}?)?<svg", "an SVG drawing", "{save}"),
    _signature(rb"\0\0\0\x0cJXL |\xff\x0a", "a JPEG XL picture", "{save}"),
    _signature(rb"RIFF....WAVE|fLaC|OggS|ID3", "a sound and not a picture", "Leave it out."),
    _signature(rb"....ftyp", "a video or a sound and not a picture", "Leave it out."),
)
OF_SOUNDS = (
    _signature(
        rb"....ftyp(M4A |M4B |mp42|isom|iso[2-9]|dash|3gp.)",
        "an AAC recording (m4a or mp4), which is not read here",
        "Convert it to WAV or FLAC, as with `ffmpeg -i clip.m4a clip.wav`.",
    ),
    _signature(
        rb"\xff[\xf0\xf1\xf8\xf9]|ADIF",
        "an AAC recording, which is not read here",
        "Convert it to WAV or FLAC, as with `ffmpeg -i clip.aac clip.wav`.",
    ),
    _signature(
        rb"0&\xb2u\x8ef\xcf\x11",
        "a Windows Media recording (wma), which is not read here",
        "Convert it to WAV or FLAC, as with `ffmpeg -i clip.wma clip.wav`.",
    ),
    _signature(
        rb"#!AMR|MAC |wvpk",
        "a recording in a format that is not read here (AMR, APE or WavPack)",
        "Convert it to WAV or FLAC, as with `ffmpeg -i clip.amr clip.wav`.",
    ),
    _signature(rb"MThd", "a MIDI file, which has notes and no sound", "Render it as WAV."),
    _signature(
        rb"\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP", "a picture and not a sound", "Leave it out."
    ),
)


def reason_of(data: bytes, wanted: Kind) -> tuple[str, str] | None:
    """What the file in `data` is, if it is known to be no `wanted`, and the remedy; None if its
    first bytes say nothing."""
    start = data[:SHOWN]
    if not start.strip(b"\0"):
        return (
            "The file has only zeros where it should begin.",
            "Copy it again: the copy was interrupted, or the disk was full.",
        )
    for signature in (*(OF_PICTURES if wanted == "picture" else OF_SOUNDS), *EITHER):
        if signature.start.match(start):
            remedy = signature.remedy.format(save=AS_PICTURE[wanted])
            return f"The file is {signature.is_a}.", remedy
    return None
