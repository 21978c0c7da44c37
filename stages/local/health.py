"""Checks the health of servers on this machine."""

import json
import socket
import urllib.error
import urllib.request
from typing import Any

from stages.local.environment import HOST

NEEDED = ("metadatabase", "scheduler", "dag_processor", "triggerer")


def airflow_waits_for(address: str) -> list[str]:
    """The components of Airflow that are not healthy yet; ['api_server'] if nothing answers."""
    try:
        components = json.loads(fetch(f"{address}/api/v2/monitor/health"))
        return [name for name in NEEDED if (components.get(name) or {}).get("status") != "healthy"]
    except (OSError, ValueError):
        return ["api_server"]


def answers(url: str, seconds: float = 5) -> bool:
    """Whether `url` answers within `seconds`, if only that a login is needed."""
    try:
        fetch(url, seconds)
    except urllib.error.HTTPError as error:
        return error.code in (401, 403)
    except OSError:
        return False
    return True


def fetch(url: str, seconds: float = 5) -> bytes:
    """The page at `url`, without any proxy. Raises OSError."""
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with straight.open(url, timeout=seconds) as page:
        data: Any = page.read()
    return bytes(data)


def taken(port: int) -> bool:
    """Whether some program already listens on `port` of this machine."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            return True
    return False


def free_port(beside: int) -> int:
    """A free port just above `beside`; 0 if there is none."""
    near = (port for port in range(beside + 1, min(beside + 200, 65_535)) if not taken(port))
    return next(near, 0)
