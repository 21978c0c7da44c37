"""aiwf gc: removes what nothing needs any more."""

from typing import Annotated

import typer

from stages.settings import Settings


def gc(
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove it; without this it is only listed.")
    ] = False,
) -> None:
    """List what nothing needs any more in the store, the cache and the workspace, or remove it.

    All that a run's lock or the latest artifact of a pipeline reaches stays, raw data stays, and so
    does what was written in the last two days. Runs may go on meanwhile."""
    from stages.opening import open_store
    from stages.runner.gc import garbage

    settings = Settings()
    counts: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for found in garbage(open_store(settings), settings):
        if not delete or found.remove():
            counts[found.kind] = counts.get(found.kind, 0) + 1
            sizes[found.kind] = sizes.get(found.kind, 0) + found.size
    for kind, count in counts.items():
        print(f"  {kind:<28} {count:>8} {_megabytes(sizes[kind]):>12}")
    if not counts:
        print("There is nothing to remove.")
    elif delete:
        print(f"Removed {sum(counts.values())}, {_megabytes(sum(sizes.values()))}.")
    else:
        print(
            f"{sum(counts.values())} may go, {_megabytes(sum(sizes.values()))}. "
            "Nothing was removed; `aiwf gc --delete` removes it."
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
