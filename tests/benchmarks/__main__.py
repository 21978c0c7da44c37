"""`make bench`: some figures of README.md in this folder, one after the other."""

from tests.benchmarks import search, ways

search.main()
ways.main()
