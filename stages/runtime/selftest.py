"""The self-test: whether a package answers its golden samples here as it did where it was made.

Golden samples are close to the border between two answers (deploy/golden.py), so that an engine,
decoder or processor that computes differently changes the answer to some of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import AgreementNotMet, BadSample, Damaged
from .predictor import Predictor
from .processor import instruction_set
from .rules import ANYTHING, BELOW, check_fields, number, parsed, several
from .sealed import read
from .unsealed import REMEDY as NOT_WHOLE
from .verified import statement

GOLDEN = "golden/expected.json"
FIELDS = {"tolerance": number(0, 1), "cases": several(ANYTHING, 1, 10_000)}
CASE = {"file": BELOW, "expected": ANYTHING}
REMEDY = (
    "This machine's engine, decoder or processor computes differently: install the versions in "
    "requirements.txt. If they are installed, do not use this package here; instruction_sets.json "
    "says for which processors it was verified."
)
UNVERIFIED = (
    "The package states nothing for processors of this kind: to answer here it needs --untested."
)
Z = 1.959963984540054  # the normal deviate that leaves 2.5 % on each side


@dataclass(frozen=True)
class SelfTest:
    """The result of a self-test on this machine.

    `agreeing` of `samples` golden samples keep their answer; together they cover `labels` of `of`
    labels. `furthest` is the largest deviation of a number, of which `tolerance` is allowed.
    `noun`: what a sample is called. `verified`: False if the package states for which processors
    it was verified, and this machine's is not among them."""

    noun: str
    processor: str
    samples: int
    agreeing: int
    labels: int
    of: int
    furthest: float
    tolerance: float
    verified: bool = True

    @property
    def passed(self) -> bool:
        return self.agreeing == self.samples and self.furthest <= self.tolerance

    @property
    def line(self) -> str:
        """The verdict in one line."""
        low, high = _wilson(self.agreeing, self.samples)
        verdict = "passed" if self.passed else "failed"
        rest = "" if self.verified else f" {UNVERIFIED}"
        return (
            f"Selftest {verdict} on {self.processor}: {self.agreeing} of {self.samples} golden "
            f"{self.noun}s keep their answer ({low:.1%} to {high:.1%}); they cover {self.labels} "
            f"of {self.of} labels. The furthest number is {self.furthest:.5f} away from the golden "
            f"ones, {self.tolerance} is allowed.{rest}"
        )


def expected(
    predictor: Predictor, samples: Mapping[str, bytes], tolerance: float
) -> dict[str, Any]:
    """The content of golden/expected.json: the results of `predictor` for the golden `samples`, by
    file name, and the `tolerance` with which a package has to reproduce them."""
    cases = [
        {"file": name, "expected": predictor.kind.golden(predictor, data)}
        for name, data in samples.items()
    ]
    return {"tolerance": tolerance, "cases": cases}


def selftest(folder: Path) -> SelfTest:
    """Check every file of the package in `folder` and answer every golden sample, also on a
    processor for which the package was not verified.

    Raises Damaged if a file was changed, AgreementNotMet if an answer differs from the golden one
    or a number deviates by more than the package's tolerance."""
    with Predictor.open(folder, untested=True) as predictor:
        result = _compared(predictor, folder, _golden(folder))
    if not result.passed:
        raise AgreementNotMet(result.line, REMEDY)
    return result


def _golden(folder: Path) -> Any:
    """The content of golden/expected.json. Raises Damaged if it has not the form of `expected`."""
    golden = parsed(read(folder, GOLDEN), GOLDEN)
    check_fields(golden, FIELDS, {}, GOLDEN)
    for place, case in enumerate(golden["cases"], 1):
        check_fields(case, CASE, {}, f"{GOLDEN}, case {place}")
    return golden


def _compared(predictor: Predictor, folder: Path, golden: Mapping[str, Any]) -> SelfTest:
    agreeing, furthest, labels = 0, 0.0, set()
    for case in golden["cases"]:
        found = _answer(predictor, folder, case["file"])
        keeps, away, named = _compare_case(predictor, case, found)
        agreeing += keeps
        furthest = max(furthest, away)
        labels |= named
    return SelfTest(
        noun=predictor.description.get("noun", "sample"),
        processor=instruction_set(),
        samples=len(golden["cases"]),
        agreeing=agreeing,
        labels=len(labels),
        of=len(predictor.labels),
        furthest=furthest,
        tolerance=golden["tolerance"],
        verified=statement(folder, instruction_set()) != "",
    )


def _compare_case(
    predictor: Predictor, case: Mapping[str, Any], found: Any
) -> tuple[bool, float, set[int]]:
    """Compare `found` with what the case expects: whether it names the same, the largest deviation,
    and the expected labels. Raises Damaged if the case's expectation has the wrong form."""
    kind, wanted = predictor.kind, case["expected"]
    try:
        return kind.keeps(wanted, found), kind.furthest(wanted, found), kind.named_in(wanted)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Damaged(
            f"{GOLDEN}: what is expected of {case['file']} is no answer of this package.",
            NOT_WHOLE,
        ) from error


def _answer(predictor: Predictor, folder: Path, name: str) -> Any:
    try:
        return predictor.kind.golden(predictor, read(folder, name))
    except BadSample as error:  # it could be decoded where the package was made
        raise AgreementNotMet(
            f"Selftest failed on {instruction_set()}: {name} cannot be decoded here. "
            f"{error.problem}",
            REMEDY,
        ) from error


def _wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (E. B. Wilson 1927, JASA 22)."""
    share, weight = successes / n, Z * Z / n
    centre = share + weight / 2
    half = Z * (share * (1 - share) / n + weight / (4 * n)) ** 0.5
    low, high = (centre - half) / (1 + weight), (centre + half) / (1 + weight)
    return (low if successes else 0.0), (high if successes < n else 1.0)
