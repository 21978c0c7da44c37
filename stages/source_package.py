"""Fetches a source package with pip's own index settings, and runs none of the package's code.

`pip download` builds a source package to find its dependencies, which runs the package's setup.py.
So pip's finder locates the file, and pip's session (with the user's index settings, certificates,
proxy and credentials) downloads it. As both are internals of pip, this is a separate program:
python -P source_package.py NAME FILE FOLDER. Tested with pip 23.2 and 26.3."""

import sys
from pathlib import Path
from typing import Any


def fetch(name: str, file: str, folder: Path) -> None:
    """Write `file` of the package `name` into `folder`; SystemExit with a reason if that fails."""
    try:
        from pip._internal.network.utils import response_chunks

        session, links = _found(name)
    except (ImportError, AttributeError, TypeError) as error:
        raise SystemExit(f"this pip cannot say where a source package is ({error})") from error
    links = [link for link in links if link.filename == file]
    if not links:
        raise SystemExit(f"No matching file {file} on the package index")
    plain = {"Accept-Encoding": "identity"}  # the file's own bytes, whatever a server would unpack
    with session.get(links[0].url_without_fragment, headers=plain, stream=True) as answer:
        answer.raise_for_status()
        with (folder / file).open("wb") as out:
            out.writelines(response_chunks(answer))


def _found(name: str) -> tuple[Any, list[Any]]:
    """pip's session, and the links of all source files of the package `name`."""
    from pip._internal.commands import create_command

    command: Any = create_command("download")
    options, _ = command.parse_args(["--no-deps", "--no-binary", ":all:", "--quiet", name])
    session = command._build_session(options)
    finder = command._build_package_finder(options, session)
    return session, [candidate.link for candidate in finder.find_all_candidates(name)]


if __name__ == "__main__":
    fetch(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
