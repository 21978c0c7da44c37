"""Collects inputs beside the live service: a thread takes what was answered, decides what is kept,
and counts what was not. An answer never waits for it."""

import json
import queue
import threading
import time
from typing import Any, NamedTuple

from stages.artifacts import digest_of
from stages.publish.answered_boxes import boxes_of
from stages.publish.collected import DOUBTFUL, RANDOM, REJECTED, CollectedInputs, NotCollected
from stages.publish.use_policy import UsePolicy, policy_of
from stages.runtime.errors import WorkflowError
from stages.settings import Settings

MOST_WAITING = 64  # inputs
MOST_BYTES = 64_000_000  # of waiting inputs
RECHECK_SECONDS = 1.0  # between two readings of a policy
EXPIRY_SECONDS = 3600.0


class AnsweredInput(NamedTuple):
    """An input, and the JSON that `package` answered. `other`: the label of what has none of the
    labels; may be ''."""

    pipeline: str
    data: bytes
    answer: bytes
    package: str
    other: str


class Collector:
    """`counter`: of Prometheus, with the labels pipeline and outcome: kept, cap, busy or disk."""

    def __init__(self, settings: Settings, counter: Any) -> None:
        self._settings, self._counter = settings, counter
        self._waiting: queue.Queue[AnsweredInput | None] = queue.Queue(MOST_WAITING)
        self._bytes = 0
        self._mutex = threading.Lock()
        self._policies: dict[str, tuple[float, UsePolicy]] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Decide on what still waits, then end."""
        self._waiting.put(None)
        self._thread.join(10)

    def wants(self, pipeline: str) -> bool:
        """Whether anything of `pipeline` is kept."""
        policy = self._policy(pipeline)
        return bool(policy.random or policy.doubtful or policy.rejected)

    def offer(self, answered: AnsweredInput) -> None:
        """Decide later on an input. If too many wait, it is dropped and counted."""
        with self._mutex:
            if self._bytes + len(answered.data) > MOST_BYTES:
                self._count(answered.pipeline, "busy")
                return
            self._bytes += len(answered.data)
        try:
            self._waiting.put_nowait(answered)
        except queue.Full:
            self._count(answered.pipeline, "busy")
            self._free(answered)

    def _free(self, answered: AnsweredInput) -> None:
        with self._mutex:
            self._bytes -= len(answered.data)

    def _run(self) -> None:
        expired = 0.0
        while (answered := self._waiting.get()) is not None:
            try:
                self._decide(answered)
                if time.monotonic() - expired > EXPIRY_SECONDS:
                    expired = time.monotonic()
                    CollectedInputs(answered.pipeline, self._settings).expire()
            except NotCollected as error:
                self._count(answered.pipeline, error.why)
            except (WorkflowError, OSError):  # a full disk: the answer is out already
                self._count(answered.pipeline, "disk")
            finally:
                self._free(answered)

    def _decide(self, answered: AnsweredInput) -> None:
        found = json.loads(answered.answer)
        policy, digest = self._policy(answered.pipeline), digest_of(answered.data)
        reason = reason_of(found, answered.other, policy, digest)
        if reason:
            label, score = first_of(found)
            inputs = CollectedInputs(answered.pipeline, self._settings)
            facts = (answered.package, label, score, boxes_of(found))
            inputs.keep(answered.data, reason, *facts)
            self._count(answered.pipeline, "kept")

    def _policy(self, pipeline: str) -> UsePolicy:
        read, policy = self._policies.get(pipeline, (0.0, UsePolicy()))
        now = time.monotonic()
        if pipeline not in self._policies or now - read > RECHECK_SECONDS:
            policy = policy_of(pipeline, self._settings)
            self._policies[pipeline] = (now, policy)
        return policy

    def _count(self, pipeline: str, outcome: str) -> None:
        self._counter.labels(pipeline, outcome).inc()


def reason_of(answer: dict[str, Any], other: str, policy: UsePolicy, digest: str) -> str:
    """Why an input with this `answer` is kept; '' if it is not. The random draw comes first, and
    does not look at the answer."""
    if "labels" not in answer and "boxes" not in answer:  # a form of several files
        return ""
    if policy.draws(RANDOM, digest):
        return RANDOM
    if other and first_of(answer)[0] == other and policy.draws(REJECTED, digest):
        return REJECTED
    listed = [answer] if "labels" in answer else answer.get("boxes", [])
    doubtful = any(each.get("sure") is False for each in listed)
    return DOUBTFUL if doubtful and policy.draws(DOUBTFUL, digest) else ""


def first_of(answer: dict[str, Any]) -> tuple[str, float]:
    """The first label of an answer, with its score; '' and 0 if there is none."""
    listed = answer.get("labels") or answer.get("boxes") or [{}]
    return str(listed[0].get("label", "")), float(listed[0].get("score", 0.0))
