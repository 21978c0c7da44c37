"""What clients can do to a service: nothing that others notice."""

import os
import time

import httpx
import psutil
import pytest

from tests.runtime.asgi import several
from tests.runtime.loopback import GUARD, head, listening, reply
from tests.runtime.painting import plain, saved

pytestmark = pytest.mark.service
BLUE = saved(plain((0, 0, 255)))
MB = 1_000_000


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture(scope="module")
def service(sealed_files, tmp_path_factory):
    """One service with short times and little room, for all that leave it as it was."""
    from stages.deploy.packed import write_folder

    folder = tmp_path_factory.mktemp("served")
    write_folder(folder / "package", sealed_files)
    limits = {
        "header_seconds": 1.5,
        "quiet_seconds": 1.5,
        "drain_seconds": 1.5,
        "most_bytes": 2 * MB,
        "buffered_bytes": 10 * MB,
        "most_connections": 60,
        "spare_connections": 20,
        "patience": 0.5,
    }
    with listening(folder / "package", folder / "log", 2, **limits) as service:
        yield service
        assert service.predict(BLUE).json()["labels"][0]["label"] == "blue"
        assert service.health() == 200
        assert "Traceback" not in service.log
        assert service.number('requests_total{path="/predict",status="500"}') == 0


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"\r\n\r\n",
        b"\n\n\n",
        b"GET /hea",
        head()[:-2],
        head(100),
        b"POST / HTTP/1.1\r\nTransfer-",
    ],
)
def test_who_begins_and_says_no_more_is_sent_away(service, beginning):
    with service.connect() as connection:
        connection.sendall(beginning)

        ended = reply(connection)

    assert ended == b"" or b" 408 " in ended


def test_who_sends_a_byte_now_and_then_is_sent_away(service):
    def send(connection):
        for _ in range(10 * GUARD):
            connection.sendall(b"X")
            time.sleep(0.1)

    with service.connect() as connection, pytest.raises(OSError):  # noqa: PT011
        send(connection)


@pytest.mark.parametrize("beginning", [b"", b"\r\n\r\n", b"GET /health HTTP/1.1\r\nX: "])
def test_many_who_say_nothing_shut_nobody_out(service, beginning):
    clients = [service.connect() for _ in range(200)]
    try:
        for connection in clients[-20:]:
            connection.sendall(beginning)

        answer = service.predict(BLUE)

        assert (answer.status_code, service.health()) == (200, 200)
    finally:
        for connection in clients:
            connection.close()


def test_slow_bodies_take_no_more_memory_than_they_may_and_hold_nobody_up(service):
    before = service.tree.memory_info().rss
    clients = [service.connect() for _ in range(50)]
    try:
        for connection in clients:
            connection.sendall(head(1_900_000) + b"x" * 10)
        for connection in clients:
            connection.settimeout(0.2)
            try:
                connection.sendall(b"x" * 1_000_000)
            except OSError:  # it was sent away already
                continue

        answer = service.predict(BLUE)
        buffered, grown = service.number("buffered_bytes"), service.tree.memory_info().rss - before

        assert answer.status_code == 200
        assert buffered <= 10 * MB
        assert grown < 60 * MB
    finally:
        for connection in clients:
            connection.close()


@pytest.mark.parametrize(
    ("beginning", "status"),
    [
        (head(10**10), b" 413 "),
        (head(2 * MB + 1, "Expect: 100-continue"), b" 413 "),
        (head(100, path="/predict?top=x"), b" 422 "),
        (head(100, "Content-Type: text/html").replace(b"image/png", b"text/html"), b" 415 "),
        (head(100, path="/nothing"), b" 404 "),
        (head(100, method="GET"), b" 405 "),
    ],
)
def test_a_refusal_comes_before_the_body(service, beginning, status):
    with service.connect() as connection:
        connection.sendall(beginning)

        assert status in reply(connection)[:20]


def test_a_refused_body_is_drained_and_the_connection_serves_again(service):
    with service.connect() as connection:
        connection.sendall(head(100_000, path="/predict?top=x") + b"x" * 100_000)
        refused = reply(connection)
        connection.sendall(head(len(BLUE)) + BLUE)

        assert b" 422 " in refused[:20]
        assert b" 200 " in reply(connection)[:20]


def test_a_refused_body_without_end_ends_the_connection(service):
    with service.connect() as connection, pytest.raises(OSError):  # noqa: PT011
        connection.sendall(head(10**10) + b"x" * 100_000_000)


def test_a_body_is_asked_for_only_if_it_is_wanted(service):
    with service.connect() as connection:
        connection.sendall(head(len(BLUE), "Expect: 100-continue"))
        invited = reply(connection)
        connection.sendall(BLUE)

        assert invited.startswith(b"HTTP/1.1 100")
        assert b" 200 " in reply(connection)[:20]


def test_chunks_without_end_are_cut_off(service):
    with service.connect() as connection:
        connection.sendall(head(None, "Transfer-Encoding: chunked"))
        try:
            for _ in range(30):
                connection.sendall(b"186A0\r\n" + b"x" * 100_000 + b"\r\n")
        except OSError:
            return
        assert b" 413 " in reply(connection)[:20]


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET /health HTTP/1.1\r\n" + b"X: " + b"x" * 900_000,
        b"GET /health HTTP/1.1\r\n" + b"X: y\r\n" * 200_000,
        b"GET /" + b"x" * 900_000,
    ],
)
def test_headers_without_end_are_cut_off(service, beginning):
    with service.connect() as connection:
        try:
            for start in range(0, len(beginning), 30_000):
                connection.sendall(beginning[start : start + 30_000])
        except OSError:
            return
        assert reply(connection)[9:12] in (b"", b"431", b"400")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (head(None, method="GET", path="/health?x=%ff%fe"), b" 200 "),
        (head(None, method="HEAD", path="/health"), b" 200 "),
        (head(None, method="OPTIONS", path="/predict"), b" 405 "),
        (head(2, path="/predict?top=%ff") + b"xx", b" 422 "),
        (b"GET /%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n", b" 404 "),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", b" 400 "),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b" 400 "),
        (head(5, "Transfer-Encoding: chunked") + b"0\r\n\r\n", b" 400 "),
        (head("-5") + b"xx", b" 400 "),
        (
            head(None, "Upgrade: websocket", "Connection: upgrade", path="/health", method="GET"),
            b"",
        ),
    ],
)
def test_odd_requests_have_their_answers(service, request_bytes, status):
    with service.connect() as connection:
        connection.sendall(request_bytes)

        assert status in reply(connection)[:20]


def test_requests_that_come_at_once_are_answered_in_order(service):
    with service.connect() as connection:
        connection.sendall(head(len(BLUE)) + BLUE + head(None, method="GET", path="/nothing"))
        got = b""
        while b" 404 " not in got:
            got += connection.recv(65536)

    assert got.index(b" 200 ") < got.index(b" 404 ")


@pytest.mark.parametrize(
    "body",
    [
        b"--x\r\n" * 300_000,
        b"\r\n" * 900_000,
        b"--x\r\nContent-Disposition: form-data; name=f; filename=a\r\n" + b"A: b\r\n" * 200_000,
        b"--x\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\nno end",
    ],
)
def test_a_form_that_is_none_costs_only_itself(service, body):
    headers = {"content-type": "multipart/form-data; boundary=x"}

    answer = httpx.post(f"{service.place}/predict", content=body, headers=headers, timeout=GUARD)

    assert answer.status_code in (400, 422)
    assert answer.json()["problem"]


def test_clients_that_leave_are_no_faults_and_their_work_is_dropped(package, log):
    with listening(package, log, seconds=GUARD) as service:
        service.predict(BLUE)
        (worker,) = service.workers()
        worker.suspend()
        clients = [service.connect() for _ in range(9)]
        for connection in clients[:5]:
            connection.sendall(head(len(BLUE)) + BLUE)
        for connection in clients[5:]:
            connection.sendall(head(len(BLUE)) + BLUE[:50])
        service.until("requests_inside", 10)  # and the one that asks
        for connection in clients:
            connection.close()
        disconnected = 'requests_total{path="/predict",status="499"}'
        service.until(disconnected, 8)  # all but the one that is with the worker
        worker.resume()

        assert service.predict(BLUE).status_code == 200
        assert service.number('requests_total{path="/predict",status="500"}') == 0
        service.stop()
        assert "Traceback" not in service.log


def test_health_answers_beside_a_full_queue(package, log):
    with listening(package, log, seconds=GUARD, waiting=2, patience=0.2) as service:
        service.predict(BLUE)
        (worker,) = service.workers()
        worker.suspend()
        clients = [service.connect() for _ in range(20)]
        for connection in clients:
            connection.sendall(head(len(BLUE)) + BLUE)

        service.until('refused_total{why="busy"}', 17)

        assert service.health() == 200
        worker.resume()
        assert service.predict(BLUE).status_code == 200


@pytest.mark.parametrize("busy", [False, True])
def test_a_stop_ends_all_of_it_whatever_it_is_doing(package, log, busy):
    with listening(package, log, threads=2, seconds=GUARD) as service:
        service.predict(BLUE)
        workers = service.workers()
        clients = [service.connect() for _ in range(6)]
        if busy:
            for worker in workers:
                worker.suspend()
            for connection in clients[:3]:
                connection.sendall(head(len(BLUE)) + BLUE)
            clients[3].sendall(head(1000) + b"x")
            service.until("requests_inside", 5)

        service.stop()

        _, alive = psutil.wait_procs(workers, timeout=GUARD)
        assert not alive
        assert "Traceback" not in service.log


def test_workers_end_when_the_service_is_killed(package, log):
    with listening(package, log, threads=2) as service:
        workers = service.workers()

        service.process.kill()

        _, alive = psutil.wait_procs(workers, timeout=GUARD)
    assert not alive


def test_it_serves_without_uvloop_and_httptools(package, log, tmp_path):
    for name in ("uvloop", "httptools"):
        (tmp_path / f"{name}.py").write_text("raise ImportError")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.getcwd()])}

    with listening(package, log, environment=environment, header_seconds=1.5) as service:
        answer = service.predict(BLUE)
        form = httpx.post(f"{service.place}/predict", files=several(BLUE, b"x"), timeout=GUARD)
        with service.connect() as connection:
            quiet = reply(connection)
        with service.connect() as connection:
            connection.sendall(head(10**10))
            refused = reply(connection)
        loop = service.number("requests_inside")
        service.stop()

        assert (answer.status_code, form.status_code, quiet, loop) == (200, 200, b"", 1.0)
        assert b" 413 " in refused[:20]
        assert "Traceback" not in service.log
