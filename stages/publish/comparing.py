"""The verdict on a challenger: the paired test of two packages on the test samples of the newest
revision on which neither was trained.

Both packages answer, not the models that they are copies of: what would be live is compared. A
challenger is better if the 95 % interval of the paired difference is above 0, which happens to 2.5
% of challengers that are as good as the champion; worse if it is below 0; else undecided."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from stages.artifacts import Dataset, Measure, Package, Ref
from stages.closure import code_of
from stages.etl import source
from stages.etl.manifest import Sample, samples_of
from stages.evaluate.kinds import kind_of, modality_of
from stages.evaluate.predictions import Predicted, answers, groups_of
from stages.evaluate.side_by_side import KEEP, LEAST
from stages.evaluate.subject import Subject, opened
from stages.memo import CachedContent
from stages.opening import open_store
from stages.runtime.errors import ConfigError, WorkflowError
from stages.settings import Settings
from stages.store import Store

MOST_TIMES = 100  # as many samples as there are; what would take more, no test will decide


class PairedVerdict(NamedTuple):
    """`verdict`: better, worse or undecided; '' if the two cannot be compared, and `why` says why.
    `gain`: by how much the challenger is better in `metric`, None without enough samples.

    `tested`: the samples that both answered; `learnt`: test samples that were left out because one
    of the two was trained on them, or on others of their group. `further`: about how many further
    samples would decide, if the difference stays; None if no number will. `data`: the revision;
    `newest`: whether that is the newest one there is. `missing`: a revision that is gone from the
    data set, on which the champion was trained."""

    verdict: str
    why: str = ""
    metric: str = ""
    gain: Measure | None = None
    tested: int = 0
    learnt: int = 0
    further: int | None = None
    data: str = ""
    newest: bool = True
    missing: str = ""

    @property
    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {**self._asdict(), "gain": self.gain.model_dump() if self.gain else None}


def read_comparison(record: dict[str, Any]) -> PairedVerdict:
    """The comparison that `PairedVerdict.record` wrote."""
    gain = record["gain"]
    return PairedVerdict(**{**record, "gain": Measure(**gain) if gain else None})


def compared(champion: Package, challenger: Package, settings: Settings) -> PairedVerdict:
    """Compare two packages of one pipeline. What keeps them from being compared is said in `why`;
    nothing is raised for it."""
    store = open_store(settings)
    try:
        trained = [dataset_of(package, store) for package in (champion, challenger)]
        dataset, newest, missing = _newest(trained[1], trained, settings)
        key = ["promotion", champion.ref.id, challenger.ref.id, dataset.ref.id]

        def make() -> CachedContent:
            found = _compared(champion, challenger, trained, dataset, store, settings.threads)
            return CachedContent(found.record)

        facts = store.memo(key, code_of("stages.publish.comparing"), make).facts
    except WorkflowError as error:
        return PairedVerdict("", f"{error.problem} {error.remedy}".strip())
    return read_comparison(facts)._replace(newest=newest, missing=missing)


def dataset_of(package: Package, store: Store) -> Dataset:
    """The dataset that `package` was trained on. Raises ConfigError if it is not in this store."""
    ref = next((Ref(*parent) for parent in package.parents if parent.kind == "dataset"), None)
    if ref is None or not store.holds(ref):
        raise ConfigError(
            f"The record of the data that package {package.ref.id[:8]} was trained on is not in "
            "this store, so nobody knows which samples it has seen.",
            "Decide yourself, and write why.",
        )
    dataset: Dataset = store.load(ref)
    return dataset


def _newest(
    default: Dataset, datasets: Sequence[Dataset], settings: Settings
) -> tuple[Dataset, bool, str]:
    """Which of `datasets` is of the newest revision, whether there is no newer one, and the
    revision of the first one, the champion's, if it was removed."""
    order: dict[str, int] = {}
    home: list[str] = []
    for name in source.names(settings):
        revisions = [revision.revision for revision in source.revisions(name, settings)]
        if default.revision in revisions:
            order, home = {each: place for place, each in enumerate(revisions)}, revisions
    newest = max(
        datasets, key=lambda dataset: (order.get(dataset.revision, -1), dataset is default)
    )
    is_gone = datasets[0].revision not in order
    is_newest = not home or newest.revision == home[-1]
    return newest, is_newest, datasets[0].revision if is_gone else ""


def _compared(
    champion: Package,
    challenger: Package,
    trained: Sequence[Dataset],
    dataset: Dataset,
    store: Store,
    threads: int,
) -> PairedVerdict:
    for package in (champion, challenger):
        if not package.overall:
            raise ConfigError(
                f"Package {package.ref.id[:8]} is a chain that was not measured: the data do not "
                "have its labels.",
                "Name data that do in deploy.chain.truth, or decide yourself, and write why.",
            )
    tests = samples_of(dataset, store, "test")
    samples = _unlearnt(tests, [samples_of(each, store) for each in trained])
    kind, facts = kind_of(dataset.task), {"learnt": len(tests) - len(samples)}
    facts["tested"] = len(samples)
    named = {"metric": kind.headline[0], "data": dataset.revision}
    if len(samples) < LEAST:
        return PairedVerdict("undecided", further=LEAST - len(samples), **facts, **named)  # type: ignore[arg-type]
    with (
        opened(str(champion.ref), store) as first,
        opened(str(challenger.ref), store) as second,
    ):
        labels = tuple(sorted({*first.labels, *second.labels, *dataset.labels}))
        sides = [_predicted(each, samples, labels, store, threads) for each in (first, second)]
        threshold = first.threshold or 0.0
    found = kind.agreement(sides[0], sides[1].answers, labels, threshold=threshold, **KEEP)
    drop = found.drops[kind.headline[0]]
    gain = Measure(value=-drop.value, low=-drop.high, high=-drop.low, n=drop.n)
    verdict = verdict_of(gain)
    further = further_samples(gain) if verdict == "undecided" else None
    return PairedVerdict(verdict, gain=gain, further=further, **facts, **named)  # type: ignore[arg-type]


def verdict_of(gain: Measure) -> str:
    """The verdict on a challenger that is better by `gain`."""
    if gain.low > 0:
        return "better"
    return "worse" if gain.high < 0 else "undecided"


def further_samples(gain: Measure) -> int | None:
    """About how many further samples would decide, if the difference stays as it is: intervals
    become narrower with the root of the number of samples. None if there is no difference to
    speak of."""
    reach = gain.value - gain.low if gain.value > 0 else gain.high - gain.value
    if gain.value == 0 or reach > math.sqrt(MOST_TIMES) * abs(gain.value):
        return None
    return max(1, math.ceil(gain.n * (reach / gain.value) ** 2) - gain.n)


def _unlearnt(tests: Sequence[Sample], trained: Sequence[Sequence[Sample]]) -> list[Sample]:
    """Those of `tests` that no side was trained on, nor on another sample of their group."""
    learnt = {
        key
        for samples in trained
        for sample in samples
        if sample.split != "test"
        for key in (sample.digest, sample.group)
        if key
    }
    return [sample for sample in tests if not {sample.digest, sample.group} & learnt]


def _predicted(
    subject: Subject, samples: Sequence[Sample], labels: Sequence[str], store: Store, threads: int
) -> Predicted:
    """The answers of `subject` to `samples`, in terms of `labels`."""
    kind = kind_of(subject.task)
    fetches = [partial(store.get, sample.digest) for sample in samples]
    answered = answers(fetches, subject.predictor, threads)
    if answered.bad:
        raise ConfigError(
            f"{len(answered.bad)} test samples cannot be read any more.", "Run the pipeline again."
        )
    own = Predicted(
        subject.labels,
        tuple(sample.file for sample in samples),
        tuple(sample.digest for sample in samples),
        [[] if kind.counted else 0 for _ in samples],  # the truth in terms of `labels` follows
        answered.values,
        noun=modality_of(subject.task).noun,
        other=subject.other,
        groups=groups_of(samples),
    )
    mapped = kind.with_labels(own, labels)
    truth = kind.truth(samples, labels)  # a side need not know every label
    return Predicted(
        mapped.labels, mapped.names, mapped.files, truth, mapped.answers,
        noun=mapped.noun, other=mapped.other, groups=mapped.groups,
    )  # fmt: skip
