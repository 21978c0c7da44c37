"""Changes labels until it is killed, and prints the number of each change that is acknowledged."""

import sys
from pathlib import Path

from stages.studio.journal import Change, Journal
from tests.studio.journals import FILES, base


def main(path: str, who: str) -> None:
    journal = Journal(Path(path), base)
    while True:
        number = journal.refresh()
        file = FILES[number % len(FILES)]
        before = journal.current(file)["label"]
        action = f"{who}-{number}"
        if number % 5 == 4:
            entry, _ = journal.undo(action, who)
        else:
            after = {"label": f"{before[:1]}{number}"}
            entry = journal.append(action, who, [Change(file, {"label": before}, after)])
        if entry:
            print(entry.number, entry.action, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
