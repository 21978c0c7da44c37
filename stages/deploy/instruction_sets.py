"""Verifies a package for each instruction set that the pipeline names.

An 8-bit network may give other answers on another processor: kernels that add two products in 16
bits saturate. So a number format is shipped only if, for each instruction set, one of three
statements holds: it was measured on this machine, it was measured under emulation, or it was
computed that no sum saturates in the arithmetic that the engine uses there, with the options that
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
from stages.deploy.packed import TimedAnswers, write_folder
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
PAIRS = "sums are added there in pairs in 16 bits"
MOST_COUNTED = 400  # test samples whose sums are counted if the result does not depend on them
MOST_MEASURED = 200  # test samples answered again with the options of another instruction set
OPTIONS_OF = {X86_VNNI: (X86,)}  # sets whose options this machine can run with, though slower
LOWEST_WEIGHT = -127  # s8 * s8 + s8 * s8 fits into 16 bits down to this weight


@dataclass(frozen=True)
class Statement:
    """How a package was verified for one instruction set. `statement`: one of the three, or "" if
    it was not verified. `basis`: why, with figures. `sums`: how the engine adds there.
    `agreement`: with the answers of this machine, if answers were measured. `numeric`: the number
    format that runs there, of a package with several."""

    instruction_set: str
    statement: str
    basis: str
    sums: str = ""
    agreement: Measure | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    numeric: str = ""

    @property
    def record(self) -> dict[str, Any]:
        """As JSON."""
        agreement = {"agreement": self.agreement.model_dump()} if self.agreement else {}
        fields = {"statement": self.statement, "basis": self.basis, "sums": self.sums}
        chosen = {"numeric": self.numeric} if self.numeric else {}
        return {**fields, **agreement, **self.figures, **chosen}


@dataclass(frozen=True)
class PackedCandidate:
    """A packed number format: its `files`, and its `answers` to the test split on this machine."""

    numeric: str
    network: Network
    content: Content
    files: Mapping[str, bytes]
    answers: TimedAnswers
    agreement: Agreement


def statements(work: Workbench, candidate: PackedCandidate) -> list[Statement]:
    """The statements for this machine's instruction set and for each other that the pipeline
    names."""
    here = instruction_set()
    other_sets = [name for name in work.config.deploy.instruction_sets if name != here]
    sums: dict[str, Sums] = {name: work.engine.sums(candidate.numeric, name) for name in other_sets}
    network = _network_sums(work, candidate, sums)
    return [
        _measured_here(work, candidate, here),
        *(_statement(work, candidate, name, sums[name], network) for name in other_sets),
    ]


def failures(found: Sequence[Statement]) -> list[str]:
    """Why the package is not verified for some of the sets; empty if it is verified for all."""
    return [
        f"not verified for {processor.instruction_set} processors: {processor.basis}"
        for processor in found
        if not processor.statement
    ]


def verified(
    numeric: str, found: Sequence[Statement], elsewhere_numeric: str = ""
) -> dict[str, Any]:
    """The content of instruction_sets.json, which the package's runtime reads as well
    (runtime/verified.py). `elsewhere_numeric`: the number format that runs on every processor that
    is not named, if that is another."""
    last = elsewhere_numeric or numeric
    sets = {processor.instruction_set: processor.record for processor in found}
    elsewhere = {"statement": COMPUTED, "basis": floats_basis(last), "sums": Sums.FLOAT}
    floats = all(
        processor.sums == Sums.FLOAT for processor in found if processor.numeric in ("", last)
    )
    return {"numeric": numeric, "instruction_sets": sets, "others": elsewhere if floats else None}


def floats_basis(numeric: str) -> str:
    """Why a network in `numeric` that is added up in floating point needs no measurement."""
    return f"sums are added there in floating point: none of {numeric} can saturate, on any data"


def _measured_here(work: Workbench, candidate: PackedCandidate, here: str) -> Statement:
    same = candidate.agreement.same
    tested = counted(len(work.tested), f"test {work.modality.noun}")
    basis = (
        f"{tested}, answered by the packed folder on an {here} processor; it agrees with the "
        f"trained model on {measured(same)}"
    )
    sums = work.engine.sums(candidate.numeric, here)
    return Statement(here, MEASURED, basis, sums, same, {"samples": len(work.tested)})


def _statement(
    work: Workbench,
    candidate: PackedCandidate,
    name: str,
    sums: Sums,
    network: NetworkSums | str,
) -> Statement:
    if sums == Sums.FLOAT:
        return Statement(name, COMPUTED, floats_basis(candidate.numeric), sums)
    if work.config.deploy.emulated_samples and (command := emulator(name)):
        return _emulated(work, candidate, name, sums, command)
    if isinstance(network, str):
        return Statement(name, "", network, sums)
    found = computed_statement(name, sums, network, work.modality.noun)
    if found.statement and name in OPTIONS_OF.get(instruction_set(), ()):
        return _with_its_options(work, candidate, found)
    return found


def computed_statement(name: str, sums: Sums, network: NetworkSums, noun: str) -> Statement:
    """State whether any sum saturates if the engine adds as `sums` says."""
    layers = f"{counted(len(network.layers), 'layer')} of 8 bits"
    pair_sums = f"{counted(network.total, 'pair sum')} of {layers}"
    on = f"on {counted(network.samples, f'test {noun}')}"
    figures = network.figures
    if network.share_of_32_bits > 1:
        basis = "a sum of a layer may not fit into 32 bits"
        return Statement(name, "", basis, sums, figures=figures)
    room = f"no input makes a sum beyond {percent(network.share_of_32_bits)} of what 32 bits hold"
    if sums == Sums.INT32:
        basis = (
            f"sums are added there in 32 bits, by the options set there: {room}; without these "
            f"options, in 16 bits, {network.saturated:,} of {pair_sums} would saturate {on}"
        )
        return Statement(name, COMPUTED, basis, sums, figures=figures)
    if sums == Sums.SIGNED_PAIRS:
        lowest = min((layer.lowest_weight for layer in network.layers), default=0)
        fits = lowest >= LOWEST_WEIGHT
        basis = (
            "sums are added there in pairs of signed products that "
            f"{'fit' if fits else 'may not fit'} into 16 bits: the lowest weight of {layers} is "
            f"{lowest}, and down to {LOWEST_WEIGHT} they always fit; the pairs are added in 32 "
            f"bits, and {room}"
        )
        return Statement(name, COMPUTED if fits else "", basis, sums, figures=figures)
    if network.saturated:
        where = counted(len(network.saturating_layers), "layer")
        basis = f"{PAIRS}: {network.saturated:,} of {pair_sums} saturate, in {where}, {on}"
        return Statement(name, "", basis, sums, figures=figures)
    basis = f"{PAIRS}: none of {pair_sums} saturates {on}"
    return Statement(name, COMPUTED, basis, sums, figures=figures)


def _with_its_options(work: Workbench, candidate: PackedCandidate, found: Statement) -> Statement:
    """Extend `found` by how this machine answers with the engine options of that set."""
    name = found.instruction_set
    rows = spaced(len(work.tested), MOST_MEASURED)
    try:
        same = _same(work, candidate, rows, _answers_of_rows(work, candidate, rows, on=name))
    except AgreementNotMet as error:
        return replace(found, statement="", basis=f"with its options, {error.problem}")
    return tried_with_options(found, same, counted(len(rows), f"test {work.modality.noun}"))


def tried_with_options(found: Statement, same: Measure, samples: str) -> Statement:
    """`found` with the share `same` of answers that this machine keeps with the engine options of
    that set, tried on `samples`, in words."""
    basis = (
        f"{found.basis}; with these options this machine gives the same answers on "
        f"{measured(same)}, tried on {samples}"
    )
    return replace(found, basis=basis, agreement=same)


def _emulated(
    work: Workbench, candidate: PackedCandidate, name: str, sums: Sums, command: Sequence[str]
) -> Statement:
    rows = spaced(len(work.tested), work.config.deploy.emulated_samples)
    try:
        # the runtime would read the host's /proc/cpuinfo under the emulator, so the set is given
        answers = _answers_of_rows(work, candidate, rows, on=name, through=command)
    except AgreementNotMet as error:
        return Statement(name, "", f"under {' '.join(command)}, {error.problem}", sums)
    same = _same(work, candidate, rows, answers)
    agreement = _agreement(work, candidate.numeric, rows, work.trained.answers, answers)
    samples = counted(len(rows), f"test {work.modality.noun}")
    basis = (
        f"{samples}, answered by the packed folder under {' '.join(command)}; it agrees with this "
        f"machine on {measured(same)}"
    )
    if agreement.failures:
        basis = f"{basis}; {'; '.join(agreement.failures)}"
    statement = "" if agreement.failures else EMULATED
    return Statement(name, statement, basis, sums, same, {"samples": len(rows)})


def _same(
    work: Workbench, candidate: PackedCandidate, rows: Sequence[int], answers: Sequence[Any]
) -> Measure:
    """The share of `answers`, to the test samples `rows`, that equal those of this machine."""
    values = candidate.answers.values
    return _agreement(work, candidate.numeric, rows, values, answers).same


def _agreement(
    work: Workbench,
    numeric: str,
    rows: Sequence[int],
    before: Sequence[Any],
    after: Sequence[Any],
) -> Agreement:
    """Compare answers `after`, to the test samples `rows`, with `before`, to the whole split."""
    subset = replace(work.trained.subset(rows), answers=[before[row] for row in rows])
    return work.kind.agreement(
        subset,
        after,
        work.model.labels,
        threshold=work.report.threshold,
        max_drop=work.config.deploy.max_drop,
        least=work.compressor(numeric).least_agreement,
    )


def _answers_of_rows(
    work: Workbench,
    candidate: PackedCandidate,
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
    work: Workbench, candidate: PackedCandidate, sums: Mapping[str, Sums]
) -> NetworkSums | str:
    """Count the sums of the candidate's layers on the test split, or return why that is impossible.

    The whole split is used if the statement depends on the samples, as with saturating pairs; else
    a part of it."""
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
    """Return at most `most` of the numbers 0 to `count` - 1, evenly spaced."""
    places = np.linspace(0, count - 1, min(count, most)).round()
    return list(dict.fromkeys(int(place) for place in places))
