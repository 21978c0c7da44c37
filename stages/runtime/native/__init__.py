"""The C library of packages, as sources: it opens a package and answers as the runtime does. A
device_sdk package carries a copy; CMakeLists.txt says how it is built."""

from . import cmake as cmake
from . import engines as engines
from . import include as include
from . import programs as programs
from . import src as src
