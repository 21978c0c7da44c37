"""Which requests the guard lets through."""

import asyncio

import pytest

from stages.local.guard import Guard, allowed


async def app(scope, receive, send):
    await send({"type": "answered"})


def sent(headers: list[tuple[bytes, bytes]], kind: str = "http", hosts: str = "") -> list[dict]:
    """What the guard sends to a request with these headers."""
    messages: list[dict] = []

    async def send(message):
        messages.append(message)

    async def run() -> None:
        await Guard(app, allowed(hosts))({"type": kind, "headers": headers}, None, send)

    asyncio.run(run())
    return messages


def passes(*headers: tuple[bytes, bytes], **scope: str) -> bool:
    return sent(list(headers), **scope) == [{"type": "answered"}]


@pytest.mark.parametrize(
    "host", [b"127.0.0.1:8080", b"localhost", b"LOCALHOST:1", b"[::1]:8080", b"[::1]"]
)
def test_the_names_of_this_machine_pass_at_any_port(host):
    assert passes((b"host", host))
    assert passes((b"host", host), (b"origin", b"http://" + host))


@pytest.mark.parametrize(
    "host",
    [b"evil.example", b"10.evil.example", b"127.0.0.1.evil.example", b"localhost@evil.example",
     b"evil.example:localhost", b"127.0.0.1:80:evil", b"", b"localhost, evil.example", b"0.0.0.0"],
)  # fmt: skip
def test_other_names_do_not_pass(host):
    assert not passes((b"host", host))


def test_a_request_without_a_host_or_with_two_does_not_pass():
    assert not passes()
    assert not passes((b"host", b"localhost"), (b"host", b"evil.example"))


@pytest.mark.parametrize("origin", [b"http://evil.example", b"null", b"localhost", b"http://"])
def test_other_origins_do_not_pass(origin):
    assert not passes((b"host", b"localhost"), (b"origin", origin))


def test_a_name_that_the_settings_list_passes():
    assert passes((b"host", b"lab.example:443"), hosts="lab.example, other.example")
    assert not passes((b"host", b"a.lab.example"), hosts="lab.example")


def test_a_websocket_is_closed():
    [message] = sent([(b"host", b"evil.example")], kind="websocket")

    assert message["type"] == "websocket.close"


def test_a_server_s_own_events_pass():
    assert passes(kind="lifespan")
