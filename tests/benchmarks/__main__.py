"""`make bench`: the figures of the README, one after the other."""

from tests.benchmarks import search, ways

search.main()
ways.main()
