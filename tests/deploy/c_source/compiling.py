"""How tests compile the C sources: every warning is an error."""

import pytest

from stages.deploy.c_source import builds

STRICT = (
    "-O0",
    "-Werror",
    "-pedantic",
    "-Wshadow",
    "-fsanitize=undefined",
    "-fno-sanitize-recover",
)
needs_compiler = pytest.mark.skipif(builds.host_compiler() is None, reason="no C compiler here")
