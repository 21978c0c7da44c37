"""All trials of a search as one table, for further analysis."""

import io
from collections.abc import Sequence
from typing import Any

from stages.train.search.successive_halving import Trial

Row = dict[str, Any]


def row_of(trial: Trial, minutes: float, chosen: bool) -> Row:
    """The row of `trial`, with a column for each hyperparameter and measure. `minutes`: of the
    reference machine, computed and not measured; `chosen`: whether the search selected it."""
    result = trial.result
    return {
        "phase": trial.phase,
        "number": trial.number,
        "chosen": chosen,
        "epochs": trial.reached,
        "best_epoch": result.best_epoch if result else 0,
        "minutes": minutes,
        **trial.hyperparameters,
        **(result.measures if result else {}),
    }


def parquet(rows: Sequence[Row]) -> bytes:
    """`rows` as a Parquet file with the columns of all of them; a value that a row does not have is
    null."""
    import pyarrow as pa
    from pyarrow.parquet import write_table

    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row.get(name) for row in rows] for name in names}
    out = io.BytesIO()
    write_table(pa.table(columns), out)
    return out.getvalue()
