"""What holds for a package on each instruction set that its target names, and why.

A network in 8 bits may answer otherwise on another processor: kernels that add two products in 16
bits cut off what does not fit. So of each set exactly one of three statements has to hold, or the
number format is not shipped: that it was measured here, that it was measured under emulation, or
that no sum saturates, computed for the arithmetic that the engine uses there with the options that
the runtime sets there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from stages.artifacts import Measure
from stages.deploy.content import Content
from stages.deploy.emulation import emulator
from stages.deploy.engines import Network
from stages.deploy.packed import Answers, write_folder
from stages.deploy.saturation.layers import NotCounted
from stages.deploy.saturation.network import NetworkSums
from stages.deploy.workbench import Workbench
from stages.evaluate.formatting import counted, measured, percent
from stages.evaluate.kinds import Agreement
from stages.runtime.backends.sums import Sums
from stages.runtime.errors import AgreementNotMet
from stages.runtime.processor import X86, X86_VNNI, instruction_set
from stages.runtime.sealed import SEAL, seal

MEASURED = "measured here"
EMULATED = "measured under emulation"
COMPUTED = "computed: no pair sum of any layer saturates on the test data"
PAIRS = "as added there, in pairs in 16 bits"
MOST_COUNTED = 400  # test samples whose sums are counted where that decides nothing
MOST_MEASURED = 200  # test samples answered once more with the options of another set
OPTIONS_OF = {X86_VNNI: (X86,)}  # sets whose options can be measured here, though slower
LOWEST_WEIGHT = -127  # s8 * s8 + s8 * s8 is within 16 bits down to this weight


@dataclass(frozen=True)
class Statement:
    """`statement` is one of the three, or empty where none holds; `basis` says why, with figures.
    `agreement`: with the answers of this machine, where something was measured."""

    instruction_set: str
    statement: str
    basis: str
    sums: str = ""
    agreement: Measure | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def record(self) -> dict[str, Any]:
        """As JSON."""
        agreement = {"agreement": self.agreement.model_dump()} if self.agreement else {}
        said = {"statement": self.statement, "basis": self.basis, "sums": self.sums}
        return {**said, **agreement, **self.figures}


@dataclass(frozen=True)
class Candidate:
    """A number format whose packed `files` gave `answers` to the test split on this machine."""

    numeric: str
    network: Network
    content: Content
    files: Mapping[str, bytes]
    answers: Answers
    agreement: Agreement


def statements(work: Workbench, candidate: Candidate) -> list[Statement]:
    """One for this machine's set, then one for each other that the pipeline names."""
    here = instruction_set()
    others = [one for one in work.config.deploy.instruction_sets if one != here]
    sums: dict[str, Sums] = {one: work.engine.sums(candidate.numeric, one) for one in others}
    network = _network_sums(work, candidate, sums)
    return [
        _measured_here(work, candidate, here),
        *(_statement(work, candidate, one, sums[one], network) for one in others),
    ]


def failures(found: Sequence[Statement]) -> list[str]:
    """Why nothing holds for some of the sets; empty if something holds for each."""
    return [
        f"nothing holds for processors of the kind {one.instruction_set}: {one.basis}"
        for one in found
        if not one.statement
    ]


def verified(numeric: str, found: Sequence[Statement]) -> dict[str, Any]:
    """instruction_sets.json: what the package's own runtime asks, too (runtime/verified.py)."""
    sets = {one.instruction_set: one.record for one in found}
    others = {"statement": COMPUTED, "basis": _floats(numeric), "sums": Sums.FLOAT}
    floats = all(one.sums == Sums.FLOAT for one in found)
    return {"numeric": numeric, "instruction_sets": sets, "others": others if floats else None}


def _floats(numeric: str) -> str:
    return f"as added there, in floating point: no sum of {numeric} can saturate, on any data"


def _measured_here(work: Workbench, candidate: Candidate, here: str) -> Statement:
    same = candidate.agreement.same
    tested = counted(len(work.tested), f"test {work.modality.noun}")
    basis = (
        f"{tested}, answered by the packed folder on a processor of the kind {here}; it agrees "
        f"with the trained model on {measured(same)}"
    )
    sums = work.engine.sums(candidate.numeric, here)
    return Statement(here, MEASURED, basis, sums, same, {"samples": len(work.tested)})


def _statement(
    work: Workbench,
    candidate: Candidate,
    name: str,
    sums: Sums,
    network: NetworkSums | str,
) -> Statement:
    if sums == Sums.FLOAT:
        return Statement(name, COMPUTED, _floats(candidate.numeric), sums)
    if work.config.deploy.emulated_samples and (words := emulator(name)):
        return _emulated(work, candidate, name, sums, words)
    if isinstance(network, str):
        return Statement(name, "", network, sums)
    found = _computed(name, sums, network, work.modality.noun)
    if found.statement and name in OPTIONS_OF.get(instruction_set(), ()):
        return _with_its_options(work, candidate, found)
    return found


def _computed(name: str, sums: Sums, network: NetworkSums, thing: str) -> Statement:
    """Whether any sum saturates, by the arithmetic `sums`."""
    layers = f"{counted(len(network.layers), 'layer')} of 8 bits"
    seen = f"{counted(network.total, 'pair sum')} of {layers}"
    on = f"on {counted(network.samples, f'test {thing}')}"
    figures = network.figures
    if network.share_of_32_bits > 1:
        basis = "a sum of a layer may be larger than 32 bits hold"
        return Statement(name, "", basis, sums, figures=figures)
    room = f"no input makes a sum that takes more than {percent(network.share_of_32_bits)} of them"
    if sums == Sums.INT32:
        basis = (
            f"as added there, in 32 bits by the options set there: {room}; without these options, "
            f"in 16 bits, {network.saturated:,} of {seen} would saturate {on}"
        )
        return Statement(name, COMPUTED, basis, sums, figures=figures)
    if sums == Sums.SIGNED_PAIRS:
        lowest = min((one.lowest_weight for one in network.layers), default=0)
        fits = lowest >= LOWEST_WEIGHT
        basis = (
            f"as added there, in pairs of signed products that {'fit' if fits else 'may not fit'} "
            f"into 16 bits: the lowest weight of {layers} is {lowest}, down to {LOWEST_WEIGHT} "
            f"they always do; they are added in 32 bits, and {room}"
        )
        return Statement(name, COMPUTED if fits else "", basis, sums, figures=figures)
    if network.saturated:
        where = counted(len(network.saturating_layers), "layer")
        basis = f"{PAIRS}: {network.saturated:,} of {seen} saturate, in {where}, {on}"
        return Statement(name, "", basis, sums, figures=figures)
    basis = f"{PAIRS}: none of {seen} saturates {on}"
    return Statement(name, COMPUTED, basis, sums, figures=figures)


def _with_its_options(work: Workbench, candidate: Candidate, found: Statement) -> Statement:
    """`found`, and how this machine answers with the options that are set on that set."""
    name = found.instruction_set
    rows = spaced(len(work.tested), MOST_MEASURED)
    try:
        same = _same(work, candidate, rows, _asked(work, candidate, rows, on=name))
    except AgreementNotMet as error:
        return replace(found, statement="", basis=f"with its options, {error.problem}")
    basis = (
        f"{found.basis}; with these options this machine agrees with itself on {measured(same)}, "
        f"tried on {counted(len(rows), f'test {work.modality.noun}')}"
    )
    return replace(found, basis=basis, agreement=same)


def _emulated(
    work: Workbench, candidate: Candidate, name: str, sums: Sums, words: Sequence[str]
) -> Statement:
    rows = spaced(len(work.tested), work.config.deploy.emulated_samples)
    try:
        # an emulator shows the host's cpuinfo, so what the runtime finds there is not enough
        answers = _asked(work, candidate, rows, on=name, through=words)
    except AgreementNotMet as error:
        return Statement(name, "", f"under {' '.join(words)}, {error.problem}", sums)
    same = _same(work, candidate, rows, answers)
    judged = _agreement(work, candidate.numeric, rows, work.trained.answers, answers)
    samples = counted(len(rows), f"test {work.modality.noun}")
    basis = (
        f"{samples}, answered by the packed folder under {' '.join(words)}; it agrees with this "
        f"machine on {measured(same)}"
    )
    if judged.failures:
        basis = f"{basis}; {'; '.join(judged.failures)}"
    statement = "" if judged.failures else EMULATED
    return Statement(name, statement, basis, sums, same, {"samples": len(rows)})


def _same(
    work: Workbench, candidate: Candidate, rows: Sequence[int], answers: Sequence[Any]
) -> Measure:
    """The share of the answers to the test samples `rows` that are as on this machine."""
    values = candidate.answers.values
    return _agreement(work, candidate.numeric, rows, values, answers).same


def _agreement(
    work: Workbench,
    numeric: str,
    rows: Sequence[int],
    before: Sequence[Any],
    after: Sequence[Any],
) -> Agreement:
    """`before`: answers to the whole test split; `after`: to the `rows` of it."""
    subset = replace(
        work.trained,
        names=tuple(work.trained.names[row] for row in rows),
        files=tuple(work.trained.files[row] for row in rows),
        truth=[work.trained.truth[row] for row in rows],
        answers=[before[row] for row in rows],
        extras=(),
    )
    return work.kind.agreement(
        subset,
        after,
        work.model.labels,
        threshold=work.report.threshold,
        max_drop=work.config.deploy.max_drop,
        least=work.compressor(numeric).least_agreement,
    )


def _asked(
    work: Workbench,
    candidate: Candidate,
    rows: Sequence[int],
    on: str | None = None,
    through: Sequence[str] = (),
) -> list[Any]:
    def progress(done: int) -> None:
        work.run.progress("testing for other processors", done, len(rows))

    samples = (work.store.get(work.tested[row]) for row in rows)
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_folder(folder, {**candidate.files, SEAL: seal(candidate.files)})
        answers = work.target.answers(
            folder, candidate.content, samples, progress, on=on, through=through
        )
        return answers.values


def _network_sums(
    work: Workbench, candidate: Candidate, sums: Mapping[str, Sums]
) -> NetworkSums | str:
    """The sums of the candidate's layers on the test split, or why they are not known.

    All of it if that decides: whether pairs saturate depends on the samples."""
    kinds = set(sums.values())
    if not kinds - {Sums.FLOAT}:
        return NetworkSums(0, 0, ())
    decides = Sums.SATURATING_PAIRS in kinds
    most = len(work.tested) if decides else MOST_COUNTED
    digests = [work.tested[row] for row in spaced(len(work.tested), most)]
    try:
        return work.network_sums(candidate.network, digests)
    except NotCounted as error:
        return error.problem


def spaced(count: int, most: int) -> list[int]:
    """At most `most` of the first `count` whole numbers, evenly spaced."""
    places = np.linspace(0, count - 1, min(count, most)).round()
    return list(dict.fromkeys(int(place) for place in places))
