"""What the code and the libraries are that made a cached thing, so that other code makes it
anew."""

from importlib import metadata
from pathlib import Path

import stages
from stages.artifacts import canonical, digest_of

HOME = Path(stages.__file__).parent


def version_of(patterns: tuple[str, ...], packages: tuple[str, ...]) -> str:
    """The digest of all our files that match `patterns` (below `stages`) and of the packages'
    versions."""
    files = sorted({path for pattern in patterns for path in HOME.glob(pattern)})
    code = {path.relative_to(HOME).as_posix(): digest_of(path.read_bytes()) for path in files}
    return digest_of(canonical([code, {name: metadata.version(name) for name in packages}]))
