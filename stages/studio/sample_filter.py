"""Which samples of a draft a page shows: a filter as SQL over the index."""

import re
from typing import Any, NamedTuple

from stages.studio.sample_index import SEPARATOR

UNLABELLED = f"labels = '{SEPARATOR}' AND reviewed = 0 AND excluded = 0"
DOUBT = "doubt > 0 AND reviewed = 0 AND excluded = 0 AND split <> 'test'"


class Filter(NamedTuple):
    """Which samples. None: all. `label`: "" for those without. `find`: in the file's name.
    `suspects`: those that a model doubts. `to_label`: those without a label, "test" of the test
    split, "learn" of the others."""

    label: str | None = None
    split: str | None = None
    reviewed: bool | None = None
    excluded: bool | None = False
    find: str = ""
    group: str = ""
    suspects: bool = False
    to_label: str = ""

    def order(self) -> tuple[str, ...]:
        """The columns that samples are ordered by, ascending, before their number. Test samples
        come in the order of their digests, which is as good as drawn: whoever stops early has
        labelled a random part of them."""
        if self.suspects:
            return ("-doubt",)
        orders: dict[str, tuple[str, ...]] = {"learn": ("rank = 0", "rank"), "test": ("digest",)}
        return orders.get(self.to_label, ())

    def where(self) -> tuple[str, list[Any]]:
        """The filter as SQL with its values."""
        terms: list[tuple[str, Any]] = []
        if self.label is not None:
            text = f"{SEPARATOR}{self.label}{SEPARATOR}" if self.label else SEPARATOR
            terms.append(("instr(labels, ?) > 0" if self.label else "labels = ?", text))
        if self.find:
            terms.append(("file LIKE ? ESCAPE '!'", f"%{_escaped(self.find)}%"))
        if self.group:
            terms.append(('"group" = ?', self.group))
        for column in ("split", "reviewed", "excluded"):
            value = getattr(self, column)
            if value is not None:
                terms.append((f"{column} = ?", value))
        conditions = [term for term, _ in terms] + [DOUBT] * self.suspects
        if self.to_label:
            conditions += [UNLABELLED, f"split {'=' if self.to_label == 'test' else '<>'} 'test'"]
        return " AND ".join(conditions) or "1", [value for _, value in terms]


def _escaped(text: str) -> str:
    """`text` for LIKE, without the meaning of its signs."""
    return re.sub("[!%_]", r"!\g<0>", text)
