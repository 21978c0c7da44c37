"""The search of `deploy.compress: auto`: compresses the network to every number format that the
engine runs, tests them from the smallest or the fastest on, and selects the first that agrees.

Nothing that was timed here decides: sizes are counted, the order by latency was measured when the
run was planned and stands in its lock (device/format_latencies.py), and the budget is computed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from stages.deploy.compressors import SIZED_AS, CannotCompress
from stages.deploy.engines import Network, size_of
from stages.deploy.ladder import (
    Candidate,
    LadderResult,
    measured_candidate,
    nothing_agrees,
    with_second,
)
from stages.deploy.workbench import Workbench
from stages.parts import FAMILIES
from stages.runtime.errors import ConfigError
from stages.train.cost.budget import DECODING_SECONDS, forward_seconds
from stages.train.search.search_space import Input

FIRST = {"size": "is smaller", "latency": "is faster, as measured when the run was planned"}


def search_formats(work: Workbench) -> LadderResult:
    """Test all number formats, and select the smallest or the fastest that agrees, as
    deploy.prefer says. After it was found, others are tested within deploy.compress_minutes.

    Raises what `search_ladder` does if none agrees."""
    networks, candidates = _compressed(work)
    first = FIRST[work.config.deploy.prefer]
    order = _in_order(work, networks)
    best: Candidate | None = None
    seconds, allowed = 0.0, 60 * work.config.deploy.compress_minutes
    for place, numeric in enumerate(order):
        work.run.progress("number formats", place, len(order))
        network = networks[numeric]
        if twin := _twin(networks, order[:place], network):
            candidates.append(_untested(numeric, network, f"the same network as {twin}"))
            continue
        seconds += test_seconds(work)
        if best and seconds > allowed:
            why = "not tested: deploy.compress_minutes are used up"
            candidates.append(_untested(numeric, network, why))
            continue
        candidate = _tested(work, numeric, network)
        if candidate.selected and best:
            why = f"{candidate.why}, but {best.numeric} {first}"
            candidate = replace(candidate, selected=False, why=why)
        best = candidate if candidate.selected else best
        candidates.append(candidate)
    if best is None:
        raise nothing_agrees(work, candidates)
    return with_second(work, candidates, best)


def test_seconds(work: Workbench) -> float:
    """Seconds in which one core of the reference machine answers the test split, as computed from
    the model's family."""
    family, _, size = str(work.model.hyperparameters.get("input", "")).partition("@")
    has_family = family in FAMILIES and size.isdecimal()
    network = forward_seconds(Input(family, int(size))) if has_family else 0.0
    return len(work.tested) * (DECODING_SECONDS + network)


def _compressed(work: Workbench) -> tuple[dict[str, Network], list[Candidate]]:
    """The network in each number format, and those that cannot be made. Formats with the size and
    the speed of another one, which take long to make, are left to deploy.ladder."""
    networks: dict[str, Network] = {}
    failed: list[Candidate] = []
    for numeric in work.engine.compressors:
        if numeric in SIZED_AS:
            continue
        try:
            networks[numeric] = work.compressed(numeric)
        except CannotCompress as error:
            failed.append(Candidate(numeric, False, error.problem))
    return networks, failed


def _in_order(work: Workbench, networks: Mapping[str, Network]) -> list[str]:
    """The number formats, the preferred first; of equally fast ones the smaller."""
    by_size = sorted(networks, key=lambda numeric: size_of(networks[numeric]))
    if work.config.deploy.prefer == "size":
        return by_size
    ranks = {numeric: rank for rank, numeric in enumerate(work.fastest_first)}
    return sorted(by_size, key=lambda numeric: ranks.get(numeric, len(ranks)))


def _twin(networks: Mapping[str, Network], before: Sequence[str], network: Network) -> str:
    """The first of the number formats `before` that has the same bytes as `network`, or ""."""
    return next((name for name in before if dict(networks[name]) == dict(network)), "")


def _tested(work: Workbench, numeric: str, network: Network) -> Candidate:
    """The candidate as it was tested; not selected if the target cannot pack it."""
    try:
        return measured_candidate(work, numeric, network)
    except ConfigError as error:
        return _untested(numeric, network, error.problem)


def _untested(numeric: str, network: Network, why: str) -> Candidate:
    return Candidate(numeric, False, why, size_of(network))
