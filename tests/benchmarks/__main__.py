"""`make bench`: prints some of the figures in this folder's README.md."""

from tests.benchmarks import search, ways

search.main()
ways.main()
