"""Training in a process of its own: whoever drives Ray ends with it.

A driver whose cluster is gone is ended by Ray itself, without an exception that could be caught; so
might be a process that is short of memory. What has to outlive that, a terminal's command or an
Airflow task, starts the driver as a child and hears it through a pipe."""

import base64
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import stages
from stages import parts
from stages.artifacts import Dataset, Model, Ref
from stages.config import TrainSlice
from stages.opening import open_store
from stages.runtime.errors import InfrastructureError
from stages.runtime.registry import Registry
from stages.settings import Settings
from stages.store import Store
from stages.tracking import Run
from stages.train import train
from stages.train.cluster import end_rest, ended
from stages.train.job.run_messages import MARK, ForwardingRun, plain, replay
from stages.train.ray_processes import end, of_session

LEAVING = 30.0  # seconds for a driver to stop Ray and end
BROKEN = 5.0  # if Ray is gone: there is little to stop
CHECK_INTERVAL = 1.0  # between two looks at Ray's processes
REMEDY = (
    "Run again: it goes on from where this one was. If it ends again, free some memory, lower "
    "AIWF_THREADS, or look at the cluster that AIWF_RAY names."
)


def train_in_process(
    dataset: Dataset, config: TrainSlice, *, store: Store, run: Run, settings: Settings
) -> Model:
    """The Model that `train` makes of `dataset`, in a process that ends with this one.

    Raises what `train` raises, and InfrastructureError if that process ends without a word."""
    request = {
        "dataset": dataset.ref.id,
        "config": config.model_dump(mode="json"),
        "parts": {name: board.places for name, board in _boards()},
    }
    with _started(settings) as driver:
        driver.send(request)
        for line in driver.replies:
            if not line.endswith("\n"):  # it was killed in the middle of a word
                break
            match json.loads(line.removeprefix(MARK)):
                case ["ready"]:
                    driver.ready = True
                case ["model", id]:
                    model: Model = store.load(Ref("model", id))
                    return model
                case ["raised", error, text]:
                    raise _error(error, text)
                case _:
                    replay(line, run, store)
        code = driver.process.wait()
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    raise InfrastructureError(
        f"The process that trains was ended {how}: its Ray or its memory may be gone.",
        REMEDY,
    )


@dataclass
class Driver:
    """The child `process`, the first of a session of the system's; `replies`: its end of the pipe;
    `ready`: it has begun to train."""

    process: "subprocess.Popen[bytes]"
    replies: IO[str]
    ready: bool = False

    def send(self, request: dict[str, Any]) -> None:
        """Say what is to be trained. One that has ended already is found so by its silence."""
        assert self.process.stdin is not None  # noqa: S101
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()

    def interrupt(self) -> None:
        """Let it stop Ray and end; at once if there is nothing yet to stop."""
        self.process.send_signal(signal.SIGINT if self.ready else signal.SIGKILL)

    def wait(self) -> None:
        """Until it has ended; if that takes too long, or is interrupted again, at once."""
        rest = threading.Thread(target=lambda: deque(self.replies, maxlen=0), daemon=True)
        rest.start()  # a full pipe would hold it up
        try:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(LEAVING)
        finally:
            self.process.kill()
            self.process.wait()
            end(of_session(self.process.pid))  # of a Ray whose driver was killed, some would go on
            rest.join(LEAVING)


@contextmanager
def _started(settings: Settings) -> Iterator[Driver]:
    """A driver; when the block is left, it has ended, and its Ray with it."""
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as replies:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "stages.runner.training_process", str(writing)],
            stdin=subprocess.PIPE,
            env=_environment(settings),
            pass_fds=[writing],
            start_new_session=True,  # Ctrl-C is for this process, which passes it on once
        )
        os.close(writing)
        driver = Driver(process, replies)
        try:
            yield driver
        except BaseException:
            driver.interrupt()
            raise
        finally:
            driver.wait()
            with suppress(OSError):
                process.stdin.close()  # type: ignore[union-attr]


def _environment(settings: Settings) -> dict[str, str]:
    """This one's, with `settings` as variables, and the way to these very `stages`."""
    values = {name: getattr(settings, name) for name in Settings.model_fields}
    values |= {name: values[name].get_secret_value() for name in ("s3_access_key", "s3_secret_key")}
    values["workspace"] = settings.root
    home = str(Path(stages.__file__).parents[1])
    path = os.pathsep.join(part for part in (home, os.environ.get("PYTHONPATH", "")) if part)
    own = {f"AIWF_{name.upper()}": str(value) for name, value in values.items()}
    return {**os.environ, **own, "PYTHONPATH": path}


def _error(pickled: str, text: str) -> Exception:
    """What the child raised, with its traceback as a note."""
    error: Exception = pickle.loads(base64.b64decode(pickled))  # noqa: S301 of our own process
    if text:
        error.add_note(text)
    return error


def main(descriptor: str) -> None:
    """In the child: train as standard input says, reply through the pipe `descriptor`."""
    os.set_inheritable(int(descriptor), False)  # the pipe ends with this process, whoever it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent may ignore it
    lock, pipe = threading.Lock(), os.fdopen(int(descriptor), "w", encoding="utf-8")
    send = partial(_send, pipe, lock)
    with os.fdopen(os.dup(0), "rb") as sent:
        request = json.loads(sent.readline())
    for watch in (_leave_with_parent, partial(_leave_with_ray, send)):
        threading.Thread(target=watch, daemon=True).start()
    for name, board in _boards():
        board.places.update(request["parts"][name])
    send("ready")
    settings = Settings()
    store = open_store(settings)
    try:
        model = train(
            store.load(Ref("dataset", request["dataset"])),
            TrainSlice.model_validate(request["config"]),
            store=store,
            run=ForwardingRun(None, send),
            settings=settings,
        )
    except Exception as error:
        send("raised", _pickled(error), traceback.format_exc())
    else:
        send("model", model.ref.id)


def _boards() -> list[tuple[str, Registry]]:
    """The tables of parts: what was added to them in this process, the child has to know, too."""
    return [(name, board) for name, board in vars(parts).items() if isinstance(board, Registry)]


def _send(pipe: IO[str], lock: threading.Lock, *message: Any) -> None:
    with lock:
        pipe.write(f"{MARK}{json.dumps(message, default=plain)}\n")
        pipe.flush()


def _pickled(error: Exception) -> str:
    try:
        data = pickle.dumps(error)
        pickle.loads(data)  # noqa: S301 some can be written and not read
    except Exception:  # whatever a library's exception does
        data = pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return base64.b64encode(data).decode()


def _leave_with_parent() -> None:
    """Leave when standard input ends: the parent is gone."""
    while os.read(0, 1):
        pass
    _leave(LEAVING / 2)


def _leave_with_ray(send: Callable[..., None]) -> None:
    """Leave when Ray's processes have ended while it is in use: calls that wait for them may wait
    for ever."""
    while not ended():
        time.sleep(CHECK_INTERVAL)
    problem = "Ray ended while it was in use: its processes on this machine are gone."
    send("raised", _pickled(InfrastructureError(problem, REMEDY)), "")
    end_rest()
    _leave(BROKEN)


def _leave(patience: float) -> None:
    """End this process as Ctrl-C would, which stops Ray; at once after `patience` seconds."""
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(patience)
    os._exit(1)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(*sys.argv[1:])
