"""Climbs down from the smallest number format to the first that agrees with the trained model and
does not miss the gate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

from stages.deploy.compressors import CannotCompress
from stages.deploy.content import Content
from stages.deploy.engines import Network, size_of
from stages.deploy.gate import Gated, gated, not_met
from stages.deploy.instruction_sets import Candidate, Statement, failures, statements
from stages.deploy.packed import Answers, write_folder
from stages.deploy.workbench import Workbench
from stages.evaluate.kinds import Agreement
from stages.evaluate.sure import SureAnswers
from stages.metrics import Measured
from stages.runtime.answers.sure import sure_of
from stages.runtime.errors import AgreementNotMet
from stages.runtime.sealed import SEAL, seal


@dataclass(frozen=True)
class Tested:
    """A packed folder's files, what they answered to the test split, and what that is worth."""

    numeric: str
    content: Content
    files: dict[str, bytes]
    answers: Answers
    measured: Measured
    agreement: Agreement
    gated: Gated
    sure: SureAnswers
    instruction_sets: Sequence[Statement] = ()

    @property
    def verdict(self) -> Literal["ship", "undecided"]:
        """Of one that is shipped: it misses no gate."""
        return "ship" if self.gated.verdict == "ship" else "undecided"


@dataclass(frozen=True)
class Trial:
    """What came of one rung; `tested` is None if it was not worth packing."""

    numeric: str
    kept: bool
    why: str
    network_bytes: int | None = None
    tested: Tested | None = None

    @property
    def misses_gate(self) -> bool:
        """Whether it agrees with the trained model, but is not good enough by itself."""
        tested = self.tested
        return bool(tested and tested.gated.failures and not tested.agreement.failures)

    @property
    def record(self) -> dict[str, Any]:
        """For the Package; nothing that was timed."""
        facts = ("numeric", "kept", "why", "network_bytes")
        record = {name: getattr(self, name) for name in facts}
        if self.tested is None:
            return record
        overall = self.tested.measured.overall
        measured = {name: overall[name].model_dump() for name in overall}
        processors = {one.instruction_set: one.record for one in self.tested.instruction_sets}
        held = {"instruction_sets": processors} if processors else {}
        record |= {"verdict": self.tested.gated.verdict, "overall": measured}
        record["sure"] = self.tested.sure.record
        return {**record, **self.tested.agreement.record(), **held}


class Climb(NamedTuple):
    """All `trials`, the last of which was kept, and the package that it became: `best`."""

    trials: list[Trial]
    best: Tested


def climbed(work: Workbench) -> Climb:
    """The trials down to the first that is kept.

    Raises, with every rung's reason, GateNotMet if one agreed and missed the gate, else
    AgreementNotMet."""
    trials: list[Trial] = []
    for index, numeric in enumerate(work.ladder):
        work.run.progress("number formats", index, len(work.ladder))
        trials.append(_tried(work, numeric, work.ladder[index + 1 :]))
        best = trials[-1].tested
        if best and trials[-1].kept:
            return Climb(trials, best)
    if any(one.misses_gate for one in trials):
        raise not_met({one.numeric: one.why for one in trials})
    reasons = "; ".join(f"{one.numeric}: {one.why}" for one in trials)
    raise AgreementNotMet(
        f"No packed form of the model does what the trained one does. {reasons}.",
        "Allow a larger deploy.max_drop, add rungs to deploy.ladder (float32 is the safest), "
        f"or give the labels that drop more {work.modality.noun}s.",
    )


def _tried(work: Workbench, numeric: str, below: Sequence[str]) -> Trial:
    try:
        network = work.compressed(numeric)
    except CannotCompress as error:
        return Trial(numeric, False, error.problem)
    larger = _not_smaller(work, size_of(network), below)
    if larger:
        return Trial(numeric, False, larger, size_of(network))
    return _measured(work, numeric, network)


def _not_smaller(work: Workbench, size: int, below: Sequence[str]) -> str:
    """Why a network of `size` bytes is not worth its rung, or nothing. Speed would be a reason,
    too, but it is never the same twice, and what is shipped must be."""
    for numeric in below:
        try:
            other = size_of(work.compressed(numeric))
        except CannotCompress:
            continue
        return "" if size < other else f"not smaller than {numeric} ({size} and {other} bytes)"
    return ""


def _measured(work: Workbench, numeric: str, network: Network) -> Trial:
    content = work.content(numeric, network)
    files = work.target.files(content)
    answers = _answers(work, content, files, numeric)
    agreement = work.kind.agreement(
        work.trained,
        answers.values,
        work.model.labels,
        threshold=work.report.threshold,
        max_drop=work.config.deploy.max_drop,
        least=work.compressor(numeric).least_agreement,
    )
    packed = replace(work.trained, answers=answers.values)
    measured = work.kind.measured(packed, work.report.threshold)
    held = gated(work, measured)
    sure = work.kind.sure(packed, work.report.threshold, sure_of(content.description))
    failed = [*agreement.failures, *held.failures]
    candidate = Candidate(numeric, network, content, files, answers, agreement)
    found = [] if failed else statements(work, candidate)
    failed += failures(found)
    why = "; ".join(failed) or "agrees with the trained model"
    tested = Tested(numeric, content, files, answers, measured, agreement, held, sure, found)
    return Trial(numeric, not failed, why, size_of(network), tested)


def _answers(work: Workbench, content: Content, files: dict[str, bytes], numeric: str) -> Answers:
    def progress(done: int) -> None:
        work.run.progress(f"testing the packed {numeric}", done, len(work.tested))

    with TemporaryDirectory() as name:
        folder = Path(name)
        write_folder(folder, {**files, SEAL: seal(files)})
        return work.target.answers(folder, content, work.samples, progress)
