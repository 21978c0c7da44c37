"""Reads HEIC photos, as iPhones take them, where pillow-heif is installed."""

import re
from functools import lru_cache

LIBRARY = "pillow-heif"  # as pip calls it
FORMAT = "HEIF"  # as Pillow calls it, once pillow-heif is registered
BRANDS = re.compile(rb"....ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)", re.DOTALL)


def is_heic(data: bytes) -> bool:
    """Whether the file in `data` says of itself that it is HEIC (ISO/IEC 23008-12)."""
    return bool(BRANDS.match(data[:12]))


@lru_cache(maxsize=1)
def can_read_heic() -> bool:
    """Whether pillow-heif is installed; then Pillow opens HEIC from now on, in this process."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener(thumbnails=False)  # else a small picture in the file may stand in for it
    return True
