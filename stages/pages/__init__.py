"""Self-contained HTML pages: one look, no script or style from elsewhere, good in print."""

import base64
import re
from pathlib import Path
from typing import Any

from stages.runtime.neutral import shown

HOME = Path(__file__).parent
REMAINING = re.compile(r"(.*?)( and [\d,]+ more labels?)?", re.DOTALL)


def render(template: Path, **context: Any) -> str:
    """The HTML of `template`, which may extend 'base.html' of this folder. Values are escaped, and
    what would turn or hide the text around them is written out."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader([str(template.parent), str(HOME)])
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: shown(value) if type(value) is str else value,
    )
    environment.filters["names"] = _names
    environment.filters["percent"] = lambda value: f"{100 * value:.1f} %"
    return environment.get_template(template.name).render(**context)


def inline(data: bytes, media: str = "image/jpeg") -> str:
    """`data` as a data: address, so that the page needs no second file."""
    return f"data:{media};base64,{base64.b64encode(data).decode()}"


def _names(text: str) -> Any:
    """A list of names in `text`, which no other language says otherwise, and what counts more."""
    from markupsafe import Markup

    found = REMAINING.fullmatch(text)
    names, remaining = found.groups(default="") if found else (text, "")
    return Markup('<span translate="no">{}</span>{}').format(shown(names), shown(remaining))
