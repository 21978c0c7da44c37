"""Calls a function of `stages.studio.work` in a process of its own: what it imports, such as DVC,
and what it takes of memory is gone when it has answered."""

import json
import os
import subprocess
from typing import Any

from pydantic import SecretStr

from stages.runtime import errors
from stages.runtime.errors import InfrastructureError, WorkflowError
from stages.runtime.service_process import command_of
from stages.settings import Settings

MARK = "ANSWER "  # begins the line with the answer; libraries may print others
LONGEST = 3600  # seconds for the largest data


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a process that is to have these `settings`."""
    values = {name: getattr(settings, name) for name in settings.model_fields_set}
    texts = {
        f"AIWF_{name}".upper(): value.get_secret_value()
        if isinstance(value, SecretStr)
        else str(value)
        for name, value in values.items()
    }
    return {**os.environ, **texts, "AIWF_WORKSPACE": str(settings.root), "PYTHONUTF8": "1"}


def called(function: str, request: dict[str, Any], settings: Settings) -> Any:
    """What `function` of `stages.studio.work` returns for `request`; both are plain JSON.

    Raises the WorkflowError that it raised; InfrastructureError if the process ended without an
    answer."""
    try:
        done = subprocess.run(
            command_of("stages.studio.work", function),
            input=json.dumps(request),
            env=environment(settings),
            capture_output=True,
            text=True,
            timeout=LONGEST,
            start_new_session=True,  # Ctrl-C is for the studio, which waits for the answer
        )
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(
            f"This took longer than {LONGEST // 60} minutes, and was ended.",
            "Take less data at a time.",
        ) from error
    lines = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if not lines:
        last = done.stderr.strip().rpartition("\n")[2][:300]
        raise InfrastructureError(
            f"The process that was to do this ended ({done.returncode}): {last or 'no message'}.",
            "Try it again; if it ends again, look at the free memory and disk of this machine.",
        )
    answer = json.loads(lines[-1].removeprefix(MARK))
    if "error" in answer:
        raise _error(answer["error"])
    return answer["result"]


def _error(record: dict[str, str]) -> WorkflowError:
    kind = getattr(errors, record["kind"], WorkflowError)
    error: WorkflowError = kind(record["problem"], record["remedy"])
    return error
