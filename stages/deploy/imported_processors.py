"""Verifies an imported package for each instruction set, as instruction_sets.py does for packages
of trained models: here by the photos that were compared, elsewhere by what can be computed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.artifacts import Measure
from stages.deploy.content import Content
from stages.deploy.engines import Engine
from stages.deploy.exporters import Exporter
from stages.deploy.instruction_sets import (
    COMPUTED,
    MEASURED,
    OPTIONS_OF,
    Statement,
    computed_statement,
    floats_basis,
    tried_with_options,
)
from stages.deploy.saturation.layers import NotCounted
from stages.deploy.saturation.network import NetworkSums
from stages.evaluate.formatting import counted, measured
from stages.parts import EXPORTERS
from stages.runtime.backends.sums import Sums
from stages.runtime.errors import InfrastructureError
from stages.runtime.processor import INSTRUCTION_SETS, instruction_set
from stages.runtime.steps import PreparedSample

NOUN = "photo"


def float_statements(engine: Engine, numeric: str) -> list[Statement]:
    """The statements for a package whose sums are all in floating point."""
    return [
        Statement(name, COMPUTED, floats_basis(numeric), engine.sums(numeric, name))
        for name in _names()
    ]


def imported_statements(
    engine: Engine,
    content: Content,
    same: Measure,
    samples: Sequence[PreparedSample],
    same_on: Callable[[str], Measure],
) -> list[Statement]:
    """The statements for `content`, which keeps `same` of the answers to `samples` on this machine.
    `same_on`: the share that this machine keeps with the options of an instruction set."""
    numeric, here = content.description["numeric"], instruction_set()
    basis = (
        f"{counted(len(samples), NOUN)}, answered on an {here} processor; it keeps the answers of "
        f"the network before compressing on {measured(same)}"
    )
    found = [Statement(here, MEASURED, basis, engine.sums(numeric, here), same)]
    sums: dict[str, Sums] = {name: engine.sums(numeric, name) for name in _names() if name != here}
    network = None if set(sums.values()) <= {Sums.FLOAT} else _sums(engine, content, samples)
    for name, added in sums.items():
        if added == Sums.FLOAT:
            found.append(Statement(name, COMPUTED, floats_basis(numeric), added))
        elif not isinstance(network, NetworkSums):
            found.append(Statement(name, "", network or "", added))
        else:
            statement = computed_statement(name, added, network, NOUN)
            tried = statement.statement and name in OPTIONS_OF.get(here, ())
            found.append(_with_options(statement, same_on) if tried else statement)
    return found


def _names() -> list[str]:
    """All instruction sets, this machine's first."""
    return list(dict.fromkeys([instruction_set(), *INSTRUCTION_SETS]))


def _with_options(found: Statement, same_on: Callable[[str], Measure]) -> Statement:
    """Extend `found` by how this machine answers with the engine options of that set."""
    try:
        same = same_on(found.instruction_set)
    except InfrastructureError as error:
        return replace(found, statement="", basis=f"with its options, {error.problem}")
    return tried_with_options(found, same, "the same photos")


def _sums(engine: Engine, content: Content, samples: Sequence[PreparedSample]) -> NetworkSums | str:
    """The sums of the 8-bit layers of `content` on `samples`, or why they cannot be counted."""
    exporter: Exporter = EXPORTERS[engine.exporter]()
    with TemporaryDirectory() as folder:
        graph = engine.place(content.network, Path(folder))
        try:
            return exporter.count_sums(graph, [sample.windows for sample in samples])
        except NotCounted as error:
            return error.problem
