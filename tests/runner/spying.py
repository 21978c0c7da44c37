"""A trainer that trains nothing: it raises what of the keys it can reach."""

import os
from typing import Any

from stages.runtime.errors import ConfigError


class Spying:
    def train(self, dataset: Any, config: Any, *, store: Any, run: Any, resources: Any) -> Any:
        variables = sorted(name for name in os.environ if "AIWF_S3" in name.upper())
        keys = [value for value in os.environ.values() if "a-secret" in value]
        raise ConfigError(f"Variables {variables}, keys {keys}, resources {resources}.", "None.")
