"""Validates inspected samples: quarantines broken ones, groups similar ones and splits the rest."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stages.artifacts import Finding
from stages.config import EtlConfig
from stages.etl.bursts import in_bursts
from stages.etl.checks import Outcome, columns_of, suite, validate
from stages.etl.duplicates import Pairs, groups_of, near_pairs, without_crowds
from stages.etl.findings import finding_of, offenders_of, record_of, remedy_of
from stages.etl.inspection import Inspected
from stages.etl.manifest import NAMED
from stages.etl.quarantine import Quarantined, quarantine
from stages.etl.split import ORDER, Member, split
from stages.etl.table import Line, labels_in, labels_of, lines_of, note_copies, note_similar
from stages.runtime.errors import DataError


@dataclass(frozen=True)
class Validated:
    """The samples to use, the quarantined ones, and the findings.

    `lines`: one for each sample to use, with its `split` and the `key` of its group. `remedies`:
    what to do about each finding, by its check. `offenders`: its files by check, look-alikes in one
    list. `record`: the outcome of every check as JSON. `provided_splits`: those that the data names
    for its samples."""

    lines: list[Line]
    quarantined: list[Quarantined]
    findings: tuple[Finding, ...]
    remedies: dict[str, str]
    offenders: dict[str, list[list[str]]]
    record: bytes
    provided_splits: tuple[str, ...] = ()


def validate_samples(
    name: str, inspected: Sequence[Inspected], suites: Sequence[str], config: EtlConfig
) -> Validated:
    """Check, group and split the samples of the data `name`, by the expectations of `suites`.

    Raises DataError with every rule that the data breaks and what to do about each."""
    lines = lines_of(inspected, columns_of(suites))
    alone, of_dataset = suite(config, suites, labels_in(lines))
    note_copies(lines)
    first = validate(lines, alone)
    remaining, quarantined = quarantine(lines, first)
    provided = {line["split"] for line in remaining}
    _group_and_split(remaining, inspected, config)
    second = validate(remaining, of_dataset) if remaining else []
    broken = [(outcome, finding_of(outcome, lines)) for outcome in first if not outcome.success]
    unmet = [(outcome, finding_of(outcome, remaining)) for outcome in second if not outcome.success]
    _refuse(name, len(lines), quarantined, broken, unmet, config)
    findings = tuple(finding for _, finding in (*broken, *unmet))
    remedies = {finding.check: remedy_of(outcome) for outcome, finding in (*broken, *unmet)}
    offenders = {finding.check: offenders_of(outcome) for outcome, finding in (*broken, *unmet)}
    return Validated(
        remaining,
        quarantined,
        findings,
        remedies,
        offenders,
        record_of([*first, *second]),
        tuple(name for name in ORDER if name in provided),
    )


def _group_and_split(lines: list[Line], inspected: Sequence[Inspected], config: EtlConfig) -> None:
    pairs = _similar_pairs([inspected[line["row"]] for line in lines], config)
    pairs, crowded = without_crowds(len(lines), pairs)
    heads = groups_of(len(lines), pairs)
    bursts = _bursts(lines, heads)
    for index, similar in enumerate(heads):
        noted = {"in_crowd": int(index in crowded), "in_burst": int(index in bursts)}
        lines[index] |= {"look": similar, **noted}
    groups = groups_of(len(lines), np.concatenate([pairs, _same_group(lines)]))
    keys = _keys(lines, groups)
    rarest = _rarest(lines)
    members = [
        Member(keys[head], label, line["split"])
        for line, label, head in zip(lines, rarest, groups, strict=True)
    ]
    chosen = split(members, config.splits.model_dump(), config.seed)
    for line, member, name in zip(lines, members, chosen, strict=True):
        line |= {"key": member.key, "split": name}
    note_similar(lines)


def _bursts(lines: Sequence[Line], heads: Sequence[int]) -> set[int]:
    """The lines that look like parts of bursts; none if the data names groups."""
    if any(line["group"] for line in lines):
        return set()
    return in_bursts([line["file"] for line in lines], _rarest(lines), heads)


def _rarest(lines: Sequence[Line]) -> list[str]:
    """The label by which each of `lines` is split: of its labels the one with the fewest samples;
    '' for a line without annotations."""
    found = [sorted({*labels_of(line)}) for line in lines]
    counts = Counter(label for labels in found for label in labels)
    return [min(labels, key=lambda label: (counts[label], label), default="") for labels in found]


def _similar_pairs(inspected: Sequence[Inspected], config: EtlConfig) -> Pairs:
    if not config.near_duplicates or not all("fingerprint" in sample.facts for sample in inspected):
        return np.empty((0, 2), np.int64)
    return near_pairs([sample.facts["fingerprint"] for sample in inspected])


def _same_group(lines: Sequence[Line]) -> Pairs:
    """Pairs that join the lines of each group that the data names."""
    first: dict[str, int] = {}
    named = [(index, line["group"]) for index, line in enumerate(lines) if line["group"]]
    joined = [(first.setdefault(group, index), index) for index, group in named]
    return np.array(joined, np.int64).reshape(-1, 2)


def _keys(lines: Sequence[Line], heads: Sequence[int]) -> dict[int, str]:
    """Each group's key: the smallest name of a group that the data gives, else the smallest
    digest."""
    found: dict[int, list[tuple[bool, str]]] = defaultdict(list)
    for line, head in zip(lines, heads, strict=True):
        group = line["group"]
        found[head].append((not group, f"{NAMED}{group}" if group else line["same"]))
    return {head: min(keys)[1] for head, keys in found.items()}


def _refuse(
    name: str,
    count: int,
    quarantined: Sequence[Quarantined],
    broken: Sequence[tuple[Outcome, Finding]],
    unmet: Sequence[tuple[Outcome, Finding]],
    config: EtlConfig,
) -> None:
    bad = sum(sample.kind == "broken" for sample in quarantined)
    labelled = count - sum(sample.kind == "unlabelled" for sample in quarantined)
    too_many = bad > config.max_quarantine * labelled or bad == labelled
    problems = [(outcome, finding) for outcome, finding in unmet if finding.severity == "critical"]
    if too_many:
        kinds = ("broken", "unlabelled") if labelled == bad else ("broken",)
        counted = [pair for pair in broken if pair[0].meta["quarantine"] in kinds]
        problems = [*counted, *problems]
    if not problems:
        return
    messages = [f"- {finding.message}. {remedy_of(outcome)}" for outcome, finding in problems]
    share = (
        f"; {bad} of {labelled} samples ({bad / labelled:.0%}) are unusable, and "
        f"etl.max_quarantine allows {config.max_quarantine:.0%}"
        if too_many and labelled
        else ""
    )
    raise DataError(
        f"The data '{name}' cannot be used{share}:\n" + "\n".join(messages),
        f"Nothing was deleted or changed. Correct the data and `aiwf data add {name} PATH` again.",
    )
