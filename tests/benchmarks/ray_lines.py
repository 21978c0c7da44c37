"""Counts the lines that drive Ray: files that import it, and files that import one of those.

    python -m tests.benchmarks.ray_lines [REVISION]

Prints each file with its lines, and the uses of Ray's private names; of the working tree, or of a
revision in git."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRIVATE = ("ray._", "ray.train.v2._", "ray.tune._", "ray.train._")


def main(revision: str = "") -> None:
    """Print the table."""
    sources = dict(_sources(revision))
    imports = {path: set(_imported(ast.parse(text))) for path, text in sources.items()}
    direct = {path for path, names in imports.items() if any(map(_is_ray, names))}
    modules = {path.removesuffix(".py").replace("/", ".") for path in direct}
    drivers = direct | {path for path, names in imports.items() if names & modules}
    drivers = {path for path in drivers if path.startswith("stages/train/")} | direct
    for path in sorted(drivers):
        mark = "imports Ray" if path in direct else ""
        print(f"{len(sources[path].splitlines()):6}  {path}  {mark}")
    for files, what in ((drivers, "lines in all"), (direct, "lines of files that import Ray")):
        print(f"{sum(len(sources[path].splitlines()) for path in files):6}  {what}")
    private = [
        f"{path}: {name}"
        for path, names in sorted(imports.items())
        for name in sorted(names)
        if name.startswith(PRIVATE)
    ]
    print(f"private names of Ray: {', '.join(private) or 'none'}")


def _sources(revision: str) -> Iterator[tuple[str, str]]:
    """Paths below `stages/` with their texts."""
    if not revision:
        for source in sorted((ROOT / "stages").rglob("*.py")):
            yield str(source.relative_to(ROOT)), source.read_text()
        return
    for path in _git("ls-tree", "-r", "--name-only", revision, "stages").splitlines():
        if path.endswith(".py"):
            yield path, _git("show", f"{revision}:{path}")


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def _imported(tree: ast.Module) -> Iterator[str]:
    """The modules, and names in modules, that are imported anywhere in `tree`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _is_ray(name: str) -> bool:
    return name == "ray" or name.startswith("ray.")


if __name__ == "__main__":
    main(*sys.argv[1:])
