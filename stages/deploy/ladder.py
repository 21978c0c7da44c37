"""The ladder search: tries the number formats of deploy.ladder in order, and selects the first that
agrees with the trained model, does not miss the gate and is verified for every processor.

With deploy.second_numeric one that is verified for some processors only is selected together with
the next that is verified for all. With `deploy.compress: auto` compression_search.py tries all of
them instead."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

from stages.deploy.compressors import SIZED_AS, CannotCompress
from stages.deploy.content import Content, joined
from stages.deploy.engines import Network, size_of
from stages.deploy.gate import Gated, gated, not_met
from stages.deploy.instruction_sets import PackedCandidate, Statement, failures, statements
from stages.deploy.packed import TimedAnswers, write_folder
from stages.deploy.workbench import Workbench
from stages.evaluate.kinds import Agreement
from stages.evaluate.sure import SureAnswers
from stages.metrics import Measured
from stages.runtime.answers.sure import sure_of
from stages.runtime.errors import AgreementNotMet, WorkflowError
from stages.runtime.sealed import SEAL, seal


@dataclass(frozen=True)
class Tested:
    """A packed number format: its files, its answers to the test split, and its metrics."""

    numeric: str
    content: Content
    files: dict[str, bytes]
    answers: TimedAnswers
    measured: Measured
    agreement: Agreement
    gated: Gated
    sure: SureAnswers
    instruction_sets: Sequence[Statement] = ()

    @property
    def verdict(self) -> Literal["ship", "undecided"]:
        """The verdict of a package that is shipped, so never 'do not ship'."""
        return "ship" if self.gated.verdict == "ship" else "undecided"


@dataclass(frozen=True)
class Candidate:
    """A number format of the ladder and what came of it. `why`: the reason why it was selected or
    not. `tested`: None if it was not packed."""

    numeric: str
    selected: bool
    why: str
    network_bytes: int | None = None
    tested: Tested | None = None

    @property
    def misses_gate(self) -> bool:
        """Whether it agrees with the trained model, but misses the gate itself."""
        tested = self.tested
        return bool(tested and tested.gated.failures and not tested.agreement.failures)

    @property
    def runs_on(self) -> list[str]:
        """The instruction sets that it was verified for."""
        found = self.tested.instruction_sets if self.tested else ()
        return [processor.instruction_set for processor in found if processor.statement]

    @property
    def is_partly_verified(self) -> bool:
        """Whether nothing is wrong with it but that it was not verified for some processors."""
        found = self.tested.instruction_sets if self.tested else ()
        return bool(self.runs_on and not self.selected and len(self.runs_on) < len(found))

    @property
    def record(self) -> dict[str, Any]:
        """The candidate as JSON, for the Package; without latencies, which are never equal."""
        record: dict[str, Any] = {
            "numeric": self.numeric,
            "kept": self.selected,
            "why": self.why,
            "network_bytes": self.network_bytes,
        }
        if self.tested is None:
            return record
        overall = self.tested.measured.overall
        measured = {name: overall[name].model_dump() for name in overall}
        processors = {
            processor.instruction_set: processor.record
            for processor in self.tested.instruction_sets
        }
        by_processor = {"instruction_sets": processors} if processors else {}
        record |= {"verdict": self.tested.gated.verdict, "overall": measured}
        record["sure"] = self.tested.sure.record
        return {**record, **self.tested.agreement.record(), **by_processor}


class LadderResult(NamedTuple):
    """The `candidates` that were tried, and what the one that was selected, and runs on this
    machine, measured. `second`: another one, for processors that `best` was not verified for."""

    candidates: list[Candidate]
    best: Tested
    second: Tested | None = None


def search_ladder(work: Workbench) -> LadderResult:
    """Try the number formats in order until one is selected, for every processor.

    If none is, raises GateNotMet if one agreed but missed the gate, else AgreementNotMet, with the
    reason for each number format."""
    candidates: list[Candidate] = []
    for index, numeric in enumerate(work.ladder):
        work.run.progress("number formats", index, len(work.ladder))
        candidates.append(_tried(work, numeric, work.ladder[index + 1 :]))
        if candidates[-1].selected:
            return with_second(work, candidates, candidates[-1])
    raise nothing_agrees(work, candidates)


def nothing_agrees(work: Workbench, candidates: Sequence[Candidate]) -> WorkflowError:
    """The error that none of `candidates` can be selected: GateNotMet if one agreed but missed the
    gate, else AgreementNotMet."""
    if any(candidate.misses_gate for candidate in candidates):
        return not_met({candidate.numeric: candidate.why for candidate in candidates})
    reasons = "; ".join(f"{candidate.numeric}: {candidate.why}" for candidate in candidates)
    return AgreementNotMet(
        f"No number format agrees with the trained model. {reasons}.",
        "Allow a larger deploy.max_drop, add number formats to deploy.ladder (float32 is the "
        f"safest), or add {work.modality.noun}s of the labels that drop.",
    )


def with_second(work: Workbench, candidates: list[Candidate], selected: Candidate) -> LadderResult:
    """The result with the `selected` one of `candidates` alone, or as the second beside the first
    of those before it that was verified for some processors."""
    best = _tested(selected)
    if work.config.deploy.second_numeric == "off" or not work.target.chooses:
        return LadderResult(candidates, best)
    preferred = takewhile(lambda candidate: candidate is not selected, candidates)
    partly = [candidate for candidate in preferred if candidate.is_partly_verified]
    if not partly:
        return LadderResult(candidates, best)
    first, tested = partly[0], _tested(partly[0])
    statements = _by_processor(tested, best)
    sets = {
        numeric: [found.instruction_set for found in statements if found.numeric == numeric]
        for numeric in (first.numeric, best.numeric)
    }
    content = joined(tested.content, best.content, sets)
    both = replace(
        tested,
        content=content,
        files=work.target.files(content),
        instruction_sets=statements,
    )
    shipped = [
        replace(
            candidate,
            selected=True,
            why=f"agrees with the trained model; for {', '.join(sets[candidate.numeric])}",
        )
        if candidate is first or candidate is selected
        else candidate
        for candidate in candidates
    ]
    return LadderResult(shipped, both, best)


def _tested(candidate: Candidate) -> Tested:
    """What `candidate`, which was packed, measured."""
    if candidate.tested is None:
        raise ValueError(f"{candidate.numeric} was not packed")
    return candidate.tested


def _by_processor(first: Tested, second: Tested) -> list[Statement]:
    """For each instruction set the statement about `first`, or about `second` where that was not
    verified."""
    further = {found.instruction_set: found for found in second.instruction_sets}
    return [
        replace(found, numeric=first.numeric)
        if found.statement
        else replace(further[found.instruction_set], numeric=second.numeric)
        for found in first.instruction_sets
    ]


def _tried(work: Workbench, numeric: str, below: Sequence[str]) -> Candidate:
    try:
        network = work.compressed(numeric)
    except CannotCompress as error:
        return Candidate(numeric, False, error.problem)
    safer = [name for name in below if SIZED_AS.get(name) != numeric]  # tried where this fails
    larger = _not_smaller(work, size_of(network), safer)
    if larger:
        return Candidate(numeric, False, larger, size_of(network))
    return measured_candidate(work, numeric, network)


def _not_smaller(work: Workbench, size: int, below: Sequence[str]) -> str:
    """The reason to skip a network of `size` bytes: it is not smaller than the next number format
    of the ladder; "" if it is smaller. Latency decides nothing, as it is never equal twice, and
    equal inputs must ship equal packages."""
    for numeric in below:
        try:
            other = size_of(work.compressed(SIZED_AS.get(numeric, numeric)))
        except CannotCompress:
            continue
        return "" if size < other else f"not smaller than {numeric} ({size} and {other} bytes)"
    return ""


def measured_candidate(work: Workbench, numeric: str, network: Network) -> Candidate:
    """Pack `network` and compare it with the trained model; the candidate is selected if it agrees,
    does not miss the gate and is verified for every processor. Raises what the target does."""
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
    gate = gated(work, measured)
    sure = work.kind.sure(packed, work.report.threshold, sure_of(content.description))
    failed = [*agreement.failures, *gate.failures]
    candidate = PackedCandidate(numeric, network, content, files, answers, agreement)
    found = [] if failed else statements(work, candidate)
    failed += failures(found)
    why = "; ".join(failed) or "agrees with the trained model"
    tested = Tested(numeric, content, files, answers, measured, agreement, gate, sure, found)
    return Candidate(numeric, not failed, why, size_of(network), tested)


def _answers(
    work: Workbench, content: Content, files: dict[str, bytes], numeric: str
) -> TimedAnswers:
    def progress(done: int) -> None:
        work.run.progress(f"testing the packed {numeric}", done, len(work.tested))

    with TemporaryDirectory() as name:
        folder = Path(name)
        write_folder(folder, {**files, SEAL: seal(files)})
        return work.target.answers(folder, content, work.samples, progress)
