"""What came of the checks of an engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class CheckResult:
    """What came of one check: whether it `passed`, and what was found as text."""

    check: str
    passed: bool
    found: str


@dataclass
class Comparison:
    """All that was found about an engine on one network. `differences`: the largest difference from
    the reference by number format, as a share of the largest number of an output; `problem`: why
    the engine does not run it."""

    network: str
    results: list[CheckResult] = field(default_factory=list)
    differences: dict[str, float] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)
    problem: str = ""

    @property
    def passed(self) -> bool:
        return not self.problem and all(result.passed for result in self.results)

    @property
    def failures(self) -> list[str]:
        """What failed, as text."""
        failed = [f"{result.check}: {result.found}" for result in self.results if not result.passed]
        return [self.problem, *failed] if self.problem else failed
