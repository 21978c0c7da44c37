"""The studio for other devices: its certificate, and whom the server answers."""

import http.client
import ssl
import stat
from datetime import timedelta

import pytest

from stages.studio import lan
from stages.studio.lan import lan_addresses, lan_certificate
from tests import makers
from tests.studio.server import Server

HOSTS = ("127.0.0.1", "localhost", "[::1]", "192.0.2.7", "workshop.local")


def test_the_certificate_stays_the_same_and_only_its_owner_reads_the_key(tmp_path):
    first = lan_certificate(tmp_path, HOSTS)
    again = lan_certificate(tmp_path, HOSTS[:3])

    assert again == first
    assert stat.S_IMODE(first.key.stat().st_mode) == 0o600
    assert len(first.fingerprint.split(":")) == 32


def test_another_address_gets_another_certificate(tmp_path):
    first = lan_certificate(tmp_path, HOSTS)
    second = lan_certificate(tmp_path, (*HOSTS, "192.0.2.8"))

    assert second.fingerprint != first.fingerprint
    assert lan_certificate(tmp_path, HOSTS) == second


@pytest.mark.parametrize("damaged", ["certificate", "key"])
def test_a_damaged_file_is_made_anew(tmp_path, damaged):
    first = lan_certificate(tmp_path, HOSTS)
    getattr(first, damaged).write_text("nothing")

    assert lan_certificate(tmp_path, HOSTS).fingerprint != first.fingerprint


def test_a_certificate_that_ends_soon_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(lan, "VALID", lan.RENEWED - timedelta(hours=1))
    first = lan_certificate(tmp_path, HOSTS)
    monkeypatch.undo()

    assert lan_certificate(tmp_path, HOSTS).fingerprint != first.fingerprint


@pytest.fixture
def server(tmp_path):
    if not lan_addresses():
        pytest.skip("This machine is in no network.")
    server = Server(makers.settings(tmp_path), lan=True)
    yield server
    server.kill()


@pytest.mark.service
def test_another_device_is_answered_with_https_under_the_networks_address_only(server):
    # given a device that trusts this certificate alone, and checks the address against it
    address = lan_addresses()[0]
    trusting = ssl.create_default_context(cafile=server.settings.root / "studio" / lan.CERTIFICATE)
    entry = server.address.partition(f"https://{address}:{server.port}")[2]

    def answered(path, **headers):
        connection = http.client.HTTPSConnection(address, server.port, context=trusting)
        method = headers.pop("method", "GET")
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer

    entered = answered(entry)
    cookie = entered.headers["set-cookie"].partition(";")[0]
    mine = {"Cookie": cookie}

    assert entered.status == 303
    assert "; Secure" in entered.headers["set-cookie"]
    assert answered("/", **mine).status == 200
    assert answered("/").status == 401
    assert answered("/", **mine, Host="elsewhere.test").status == 403
    elsewhere = {"Origin": "https://elsewhere.test", "method": "POST"}
    assert answered("/language", **mine, **elsewhere).status == 403


@pytest.mark.service
def test_without_the_option_only_this_machine_is_answered(tmp_path):
    server = Server(makers.settings(tmp_path))
    try:
        assert server.address.startswith("http://127.0.0.1:")
        for address in lan_addresses():
            with pytest.raises(OSError, match=r"refused|unreachable"):
                http.client.HTTPConnection(address, server.port, timeout=5).connect()
    finally:
        server.kill()
