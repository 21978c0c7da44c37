"""Small real things in place of a publisher's: a file of weights, what Paddle says of it, a server
on loopback."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from stages.models.arrays import pack_arrays
from stages.parts import FAMILIES

NAME = "shufflenet_v2_x0_5"


def published(path: Path) -> dict:
    """Write paddle's own network with random weights to `path`, as its publisher does; return its
    arrays by name."""
    import paddle
    from paddle.vision.models import shufflenet_v2_x0_5

    paddle.seed(7)
    state = shufflenet_v2_x0_5().state_dict()
    paddle.save(state, str(path))
    return {name: parameter.numpy() for name, parameter in state.items()}


def catalogue(folder: Path, url: str, md5: str) -> None:
    """A module in `folder` that tells of shufflenet_v2_x0_5 what the installed one tells."""
    (folder / "shufflenetv2.py").write_text(
        f"import nothing_that_is_there\nmodel_urls: dict = {{{NAME!r}: ({url!r}, {md5!r})}}\n"
    )


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def own(folder: Path, *names: str) -> Path:
    """A folder with <family>.npz of each of the families `names`, as a person gives them."""
    folder.mkdir(exist_ok=True)
    for name in names:
        state = FAMILIES[name].backbone().state_dict()
        arrays = {key: parameter.numpy() for key, parameter in state.items()}
        (folder / f"{name}.npz").write_bytes(pack_arrays(arrays))
    return folder


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder; a file called short-... is cut while it is sent."""

    requests: list[str] = []

    def log_message(self, *_arguments: object) -> None: ...

    def do_GET(self) -> None:
        self.requests.append(self.path)
        if not self.path.startswith("/short-"):
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x" * 10)


class Server(ThreadingHTTPServer):
    """Says nothing of whoever hangs up."""

    def handle_error(self, *_arguments: object) -> None: ...


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The address of a server of `folder` on loopback."""
    with Server(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as http_server:
        thread = threading.Thread(target=http_server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http_server.server_address[1]}"
        finally:
            http_server.shutdown()
            thread.join()
