"""The self-test: whether a package answers its golden samples here as it did where it was made.

Golden samples are close to the border between two answers (deploy/golden.py), so that an engine,
decoder or processor that computes differently changes the answer to some of them. Of a package with
several networks, the one for this processor is tested, with expectations of its own."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .description import networks_of
from .errors import AgreementNotMet, BadSample, Damaged
from .predictor import Predictor
from .processor import instruction_set
from .rules import ANYTHING, BELOW, LARGEST, check_fields, number, parsed, several
from .sealed import read
from .unsealed import REMEDY as NOT_WHOLE
from .verified import statement

GOLDEN = "golden/expected.json"
NEAR = 0.1  # of a score: the margin up to which a sample counts as near the decision boundary
FIELDS = {"tolerance": number(0, 1), "cases": several(ANYTHING, 1, 10_000)}
CASE = {"file": BELOW, "expected": ANYTHING}
MARGIN = {"margin": number(0, LARGEST)}
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
    labels. `near` of them are so near the decision boundary that a small error would show, and
    `near_agreeing` of these keep their answer. `furthest` is the largest deviation of a number, of
    which `tolerance` is allowed. `noun`: what a sample is called. `verified`: False if the package
    states for which processors it was verified, and this machine's is not among them. `numeric`:
    the number format that runs here. `seconds`: for each golden sample, the time from its bytes to
    its answer."""

    noun: str
    processor: str
    numeric: str
    samples: int
    agreeing: int
    near: int
    near_agreeing: int
    labels: int
    of: int
    furthest: float
    tolerance: float
    verified: bool = True
    seconds: tuple[float, ...] = ()

    @property
    def passed(self) -> bool:
        return self.agreeing == self.samples and self.furthest <= self.tolerance

    @property
    def line(self) -> str:
        """The verdict in one line."""
        low, high = wilson(self.agreeing, self.samples)
        verdict = "passed" if self.passed else "failed"
        rest = "" if self.verified else f" {UNVERIFIED}"
        near = f"{self.near_agreeing} of {self.near} near the decision boundary, "
        return (
            f"Selftest {verdict} on {self.processor}, as {self.numeric}: {self.agreeing} of "
            f"{self.samples} golden {self.noun}s keep their answer ({low:.1%} to {high:.1%}), "
            f"{near if self.near else ''}and they cover {self.labels} of {self.of} labels. The "
            f"furthest number is {self.furthest:.5f} away from the golden ones, {self.tolerance} "
            f"is allowed.{rest}"
        )


def expected(
    predictor: Predictor, samples: Mapping[str, bytes], tolerance: float
) -> dict[str, Any]:
    """The content of golden/expected.json: the results of `predictor` for the golden `samples`, by
    file name with the margin to the decision boundary, and the `tolerance` with which a package
    has to reproduce them."""
    kind, description = predictor.kind, predictor.description
    values = (predictor.answers([data])[0] for data in samples.values())
    cases = [
        {
            "file": name,
            "expected": kind.golden(predictor, data),
            "margin": round(kind.margin(value, description), 6),
        }
        for (name, data), value in zip(samples.items(), values, strict=True)
    ]
    return {"tolerance": tolerance, "cases": cases}


def golden_file(description: Mapping[str, Any]) -> str:
    """The file of golden answers for the number format of `description`, as `for_processor` gives
    it: further networks of a package have files of their own."""
    numeric = description["numeric"]
    further = [network["numeric"] for network in networks_of(description)[1:]]
    return f"golden/expected-{numeric}.json" if numeric in further else GOLDEN


def selftest(folder: Path, on: str | None = None) -> SelfTest:
    """Check every file of the package in `folder` and answer every golden sample, also on a
    processor for which the package was not verified. `on`: test what runs on that instruction set,
    with its options.

    Raises Damaged if a file was changed, AgreementNotMet if an answer differs from the golden one
    or a number deviates by more than the package's tolerance."""
    result = self_tested(folder, on)
    if not result.passed:
        raise AgreementNotMet(result.line, REMEDY)
    return result


def self_tested(folder: Path, on: str | None = None) -> SelfTest:
    """As `selftest`, but returns the result whether it passed or not."""
    with Predictor.open(folder, on=on, untested=True) as predictor:
        return _compared(predictor, folder, on or instruction_set())


def golden_answers(folder: Path, name: str) -> Any:
    """The content of the golden answers `name`. Raises Damaged if it has not the form of
    `expected`."""
    golden = parsed(read(folder, name), name)
    check_fields(golden, FIELDS, {}, name)
    for place, case in enumerate(golden["cases"], 1):
        check_fields(case, CASE, MARGIN, f"{name}, case {place}")
    return golden


def _compared(predictor: Predictor, folder: Path, processor: str) -> SelfTest:
    golden = golden_answers(folder, golden_file(predictor.description))
    agreeing, near, near_agreeing, furthest, labels = 0, 0, 0, 0.0, set()
    seconds = []
    for case in golden["cases"]:
        began = time.perf_counter()
        found = _answer(predictor, folder, case["file"])
        seconds.append(time.perf_counter() - began)
        keeps, away, named = _compare_case(predictor, case, found)
        is_near = case.get("margin", LARGEST) <= NEAR
        agreeing, near = agreeing + keeps, near + is_near
        near_agreeing += keeps and is_near
        furthest = max(furthest, away)
        labels |= named
    return SelfTest(
        noun=predictor.description.get("noun", "sample"),
        processor=processor,
        numeric=predictor.description["numeric"],
        samples=len(golden["cases"]),
        agreeing=agreeing,
        near=near,
        near_agreeing=near_agreeing,
        labels=len(labels),
        of=len(predictor.labels),
        furthest=furthest,
        tolerance=golden["tolerance"],
        verified=statement(folder, processor) != "",
        seconds=tuple(seconds),
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


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (E. B. Wilson 1927, JASA 22)."""
    share, weight = successes / n, Z * Z / n
    centre = share + weight / 2
    half = Z * (share * (1 - share) / n + weight / (4 * n)) ** 0.5
    low, high = (centre - half) / (1 + weight), (centre + half) / (1 + weight)
    return (low if successes else 0.0), (high if successes < n else 1.0)
