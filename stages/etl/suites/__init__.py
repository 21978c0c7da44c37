"""The default expectations, as JSON; a task names the suites that apply to it."""
