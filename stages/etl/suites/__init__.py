"""What samples are held against, as data: a task names the suites that are for it."""
