"""The inputs that a pipeline collected in use, with what became of them: an append-only file of
records beside a folder of the bytes.

An input was drawn at random, or kept because its answer was doubtful or rejected, or reported as
wrong by a person. Who is drawn at random counts as random whatever else is true of it: otherwise
the random share would lack what is doubtful, and figures measured on it would be bent. Half of the
caps is for the random share alone, so that the others cannot push it out."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from stages.artifacts import digest_of
from stages.etl.split import place_of
from stages.publish.answered_boxes import BoxFields
from stages.publish.append_log import AppendLog, LogWriter
from stages.publish.places import live_folder
from stages.publish.use_policy import UsePolicy, policy_of
from stages.runtime.errors import ConfigError, InfrastructureError
from stages.runtime.files import write
from stages.settings import Settings

RANDOM, DOUBTFUL, REJECTED, REPORTED = "random", "doubtful", "rejected", "reported"
WAITING, ACCEPTED, REFUSED, EXPIRED, LEARNT = "waiting", "accepted", "refused", "expired", "learnt"
MOST_REPORTS = 20  # of one person in an hour
MOST_ALL_REPORTS = 500  # of all people in an hour
HOUR = timedelta(hours=1)


class CollectedInput(NamedTuple):
    """`digest`, `size` in bytes: of the input; `when`: ISO 8601, UTC. `answer`, `score`: the first
    label that `package` answered; `answered`: the boxes, if it answers boxes. `reported`: the label
    that a person says is right. `state`: waiting, accepted with `label` or `boxes`, refused,
    expired, or learnt (it is in a revision). `boxes`: None unless a person has drawn them."""

    digest: str
    size: int
    reason: str
    when: str
    package: str = ""
    answer: str = ""
    score: float = 0.0
    answered: Sequence[BoxFields] = ()
    reported: str = ""
    state: str = WAITING
    label: str = ""
    boxes: Sequence[BoxFields] | None = None


class NotCollected(ConfigError):
    """An input that is not kept; `why` is `off`, `cap` or `reports`."""

    def __init__(self, why: str, problem: str, remedy: str = "") -> None:
        super().__init__(problem, remedy)
        self.why = why


class CollectedInputs:
    """The collected inputs of `pipeline`. `now`: the clock."""

    def __init__(
        self,
        pipeline: str,
        settings: Settings,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        folder = live_folder(pipeline, settings)
        self.pipeline, self._settings, self._now = pipeline, settings, now
        self.files = folder / "inputs"
        self._log = AppendLog(folder / "inputs.jsonl")

    def all(self) -> list[CollectedInput]:
        """All inputs there ever were, the oldest first. Raises Damaged."""
        return list(_replayed(self._log.records()).values())

    def path(self, digest: str) -> Path:
        """Where the bytes of an input are, if it has not expired."""
        return self.files / digest

    def keep(
        self,
        data: bytes,
        reason: str,
        package: str,
        answer: str,
        score: float,
        answered: Sequence[BoxFields] = (),
    ) -> None:
        """Keep the input `data`, once. Raises NotCollected at the cap, InfrastructureError if the
        disk does not take it."""
        facts = {"reason": reason, "package": package, "answer": answer, "score": score}
        self._keep(data, {**facts, "answered": list(answered)} if answered else facts)

    def report(
        self,
        data: bytes,
        label: str,
        package: str,
        answer: str,
        person: str,
        answered: Sequence[BoxFields] = (),
    ) -> None:
        """Keep the input `data`, which `person` says is wrong and is `label`; '' for boxes, which
        are drawn in the review. A person is known by an address, of which a digest is kept alone.

        Raises NotCollected if reports are off, at the cap, or if this person, or all people, have
        reported too much within the hour."""
        policy = policy_of(self.pipeline, self._settings)
        if not policy.reports:
            raise NotCollected(
                "off", f"'{self.pipeline}' keeps no reports.", "Its owner may allow it."
            )
        by = digest_of(f"{policy.salt}/{person}".encode())[:12]
        drawn = policy.draws(RANDOM, digest_of(data))
        facts: dict[str, Any] = {"package": package, "answer": answer, "reported": label, "by": by}
        facts |= {"answered": list(answered)} if answered else {}
        self._keep(data, {"reason": RANDOM if drawn else REPORTED, **facts})

    def accept(
        self, digest: str, label: str = "", boxes: Sequence[BoxFields] | None = None
    ) -> None:
        """Accept the waiting input with `label`, or with `boxes`, of which there may be none.
        Raises ConfigError if it does not wait any more."""
        drawn = {} if boxes is None else {"boxes": list(boxes)}
        self._decide(digest, {"state": ACCEPTED, "label": label, **drawn})

    def refuse(self, digest: str) -> None:
        """Refuse the waiting input, and remove its bytes. Raises ConfigError if it does not wait
        any more."""
        self._decide(digest, {"state": REFUSED})
        self.path(digest).unlink(missing_ok=True)

    def learnt(self, digests: Sequence[str]) -> None:
        """Note that accepted inputs are in a revision now; the data set has their bytes."""
        with self._log.writing() as writer:
            for digest in digests:
                writer.append({"digest": digest, "when": self._stamp(writer), "state": LEARNT})

    def expire(self) -> int:
        """Remove inputs that have waited longer than the policy's days; how many. A clock that was
        put back removes nothing."""
        days = timedelta(days=policy_of(self.pipeline, self._settings).days)
        with self._log.writing() as writer:
            old = [
                each.digest
                for each in _replayed(writer.records).values()
                if each.state == WAITING and self._now() - _time(each.when) > days
            ]
            for digest in old:
                writer.append({"digest": digest, "when": self._stamp(writer), "state": EXPIRED})
                self.path(digest).unlink(missing_ok=True)
        return len(old)

    def _decide(self, digest: str, decision: dict[str, Any]) -> None:
        with self._log.writing() as writer:
            found = _replayed(writer.records).get(digest)
            if found is None or found.state != WAITING:
                raise ConfigError("Somebody has decided on that input.", "Load the page again.")
            writer.append({"digest": digest, "when": self._stamp(writer), **decision})

    def _keep(self, data: bytes, facts: dict[str, Any]) -> None:
        digest = digest_of(data)
        with self._log.writing() as writer:
            inputs, policy = _replayed(writer.records), policy_of(self.pipeline, self._settings)
            if REPORTED in facts:
                self._check_reports(writer, facts["by"])
            earlier = inputs.get(digest)
            if earlier is None:
                self._check_room(list(inputs.values()), len(data), facts["reason"], policy)
                _write(self.path(digest), data)
            elif earlier.state != WAITING or REPORTED not in facts:
                return  # the same input again
            else:
                facts.pop("reason")
            record = {"digest": digest, "size": len(data), "when": self._stamp(writer), **facts}
            try:
                writer.append(record)
            except InfrastructureError:
                if earlier is None:
                    self.path(digest).unlink(missing_ok=True)
                raise

    def _check_room(
        self, inputs: Sequence[CollectedInput], size: int, reason: str, policy: UsePolicy
    ) -> None:
        """Raise NotCollected if there is no room for an input of `size` bytes."""
        own = [each for each in inputs if each.state in (WAITING, ACCEPTED)]
        share = 1.0
        if reason != RANDOM:
            own, share = [each for each in own if each.reason != RANDOM], 0.5
        total = sum(each.size for each in own) + size
        if len(own) + 1 > share * policy.most_inputs or total > share * policy.most_megabytes * 1e6:
            raise NotCollected(
                "cap", f"'{self.pipeline}' has as many inputs as it may keep.", "Review them."
            )

    def _check_reports(self, writer: LogWriter, person: str) -> None:
        """Raise NotCollected if `person`, or all together, reported too much within the hour."""
        now = self._now()
        recent = Counter(
            record["by"]
            for record in writer.records
            if "by" in record and abs(now - _time(record["when"])) < HOUR
        )
        if recent[person] >= MOST_REPORTS or recent.total() >= MOST_ALL_REPORTS:
            raise NotCollected("reports", "Enough was reported for now.", "Try again in an hour.")

    def _stamp(self, writer: LogWriter) -> str:
        """The time of a record: never before that of the last one, whatever the clock says."""
        last = (
            _time(writer.records[-1]["when"])
            if writer.records
            else datetime.min.replace(tzinfo=UTC)
        )
        return max(last, self._now()).isoformat(timespec="seconds")


def split_of(found: CollectedInput) -> str:
    """The split that an accepted input goes to: half of the random share into the test, by a fixed
    draw; all others are learnt from, as what is doubtful or reported is no random part of use and
    would bend every figure of the test."""
    return "test" if found.reason == RANDOM and place_of(found.digest) < 0.5 else "train"


def _replayed(records: Sequence[dict[str, Any]]) -> dict[str, CollectedInput]:
    """The inputs by digest, as the records leave them."""
    inputs: dict[str, CollectedInput] = {}
    for record in records:
        digest = record["digest"]
        values = {key: value for key, value in record.items() if key != "by"}
        if digest in inputs:
            values.pop("when")
            inputs[digest] = inputs[digest]._replace(**values)
        else:
            inputs[digest] = CollectedInput(**values)
    return inputs


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _write(path: Path, data: bytes) -> None:
    write(path, data)
    os.chmod(path, 0o600)
