"""The studio for other devices of the same network, such as a telephone: the names and addresses of
this machine there, and the certificate that it makes for them.

A browser gives camera and microphone to pages with HTTPS only. No authority signs a certificate for
a machine in a private network, so the certificate is its own, and the browser asks once whether it
is trusted: the fingerprint that `aiwf studio --lan` prints is what a person compares."""

import ipaddress
import socket
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stages.privacy import keep_secret
from stages.runtime.files import write

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, GeneralName

VALID = timedelta(days=397)  # browsers refuse certificates that are valid for much longer
RENEWED = timedelta(days=30)  # before its end
KEY, CERTIFICATE = "lan.key", "lan.crt"


class LanCertificate(NamedTuple):
    """The files of a certificate and its key. `fingerprint`: SHA-256 of the certificate, as
    browsers show it."""

    certificate: Path
    key: Path
    fingerprint: str


def lan_addresses() -> list[str]:
    """The IPv4 addresses of this machine that others may reach, those of private networks first."""
    import psutil  # type: ignore[import-untyped]

    found = {
        ipaddress.ip_address(entry.address)
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family == socket.AF_INET
    }
    usable = [address for address in found if not address.is_loopback and not address.is_link_local]
    return [
        str(address)
        for address in sorted(usable, key=lambda address: (not address.is_private, address))
    ]


def lan_names() -> list[str]:
    """The names of this machine in its network, in small letters: its own, and that one as mDNS
    announces it."""
    name = socket.gethostname().partition(".")[0].lower()
    is_name = name.isascii() and name.replace("-", "").isalnum()
    return [name, f"{name}.local"] if is_name and name != "localhost" else []


def lan_certificate(root: Path, hosts: Sequence[str]) -> LanCertificate:
    """The certificate of the workspace `root` for `hosts`, names and addresses. It stays the same,
    so that a browser asks once, until it lacks one of `hosts` or ends soon. Only the workspace's
    owner can read its key."""
    from cryptography.hazmat.primitives import hashes

    folder = root / "studio"
    certificate, key = folder / CERTIFICATE, folder / KEY
    found = _stored(certificate, key)
    if found is None or not _serves(found, hosts):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = _new_certificate(certificate, key, hosts)
    key.chmod(0o600)
    digest = found.fingerprint(hashes.SHA256()).hex().upper()
    return LanCertificate(certificate, key, ":".join(digest[k : k + 2] for k in range(0, 64, 2)))


def _stored(certificate: Path, key: Path) -> "Certificate | None":
    """The certificate that is kept; None if there is none, or its key is not the one beside it."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate

    with suppress(OSError, ValueError, TypeError):
        found = load_pem_x509_certificate(certificate.read_bytes())
        if load_pem_private_key(key.read_bytes(), None).public_key() == found.public_key():
            return found
    return None


def _serves(certificate: "Certificate", hosts: Sequence[str]) -> bool:
    """Whether `certificate` has every one of `hosts` and is valid for a while."""
    from cryptography.x509 import SubjectAlternativeName

    names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    now = datetime.now(UTC)
    is_valid = certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEWED
    return is_valid and set(_general_names(hosts)) <= set(names)


def _new_certificate(certificate: Path, key: Path, hosts: Sequence[str]) -> "Certificate":
    """Write a new certificate for `hosts`, which signs nothing but itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "AI Workflow studio")])
    now = datetime.now(UTC)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    signed = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # the clock of a telephone may be behind
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName(_general_names(hosts)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=False)
        .sign(private, hashes.SHA256())
    )
    text = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key.unlink(missing_ok=True)
    keep_secret(key, text.decode())
    write(certificate, signed.public_bytes(serialization.Encoding.PEM))
    return signed


def _general_names(hosts: Sequence[str]) -> "list[GeneralName]":
    from cryptography import x509

    names: list[GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host.strip("[]"))))
        except ValueError:
            names.append(x509.DNSName(host))
    return names
