"""Bytes as objects in an S3 bucket, through the minio client."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from stages.blobs import BlobEntry
from stages.runtime.errors import ConfigError, InfrastructureError

KEYS = "Check AIWF_S3_ACCESS_KEY, AIWF_S3_SECRET_KEY and the bucket's policy."
REMEDIES = {
    "NoSuchBucket": "Make the bucket, or name another in AIWF_STORE.",
    "RequestTimeTooSkewed": "Set this machine's clock: it is too far from the object store's.",
    "SlowDown": "The object store is busy: try again in a while.",
    "ServiceUnavailable": "The object store is busy: try again in a while.",
    "QuotaExceeded": "The bucket has no room left: free some, or use another in AIWF_STORE.",
    "XMinioStorageFull": "The object store's disk is full: free some of it.",
}


class S3Blobs:
    """Keys are object names below `prefix` in `bucket`; S3 itself makes each put atomic."""

    def __init__(
        self,
        endpoint: str,
        bucket: str,
        prefix: str,
        access_key: str,
        secret_key: str,
        patience: float | None = None,
    ) -> None:
        """`patience`: seconds that the server may be silent; None: minutes, as the client has it.

        Raises ConfigError for what is no address, InfrastructureError if it does not answer."""
        from minio import Minio

        secure = endpoint.startswith("https://")
        host = endpoint.removeprefix("https://").removeprefix("http://").rstrip("/")
        self._arguments = (endpoint, bucket, prefix, access_key, secret_key, patience)
        self._endpoint = endpoint
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        try:
            if not host:
                raise ValueError("it names no host")
            http = _http_client(patience) if patience else None
            self._client: Any = Minio(host, access_key, secret_key, secure=secure, http_client=http)
        except ValueError as error:
            raise ConfigError(
                f"AIWF_S3_ENDPOINT is '{endpoint}': {error}.",
                "Write http://host:port or https://host, without a path.",
            ) from error
        with self._errors_translated():
            if not self._client.bucket_exists(bucket):
                self._client.make_bucket(bucket)

    def __reduce__(self) -> tuple[type["S3Blobs"], tuple[Any, ...]]:
        """Pickled as its arguments, since a connection cannot be: unpickling connects anew."""
        return S3Blobs, self._arguments

    def put(self, key: str, data: bytes) -> None:
        with self._errors_translated(key):
            self._client.put_object(self._bucket, self._prefix + key, io.BytesIO(data), len(data))

    def put_file(self, key: str, path: Path) -> None:
        with self._errors_translated(key):
            self._client.fput_object(self._bucket, self._prefix + key, str(path))

    def get(self, key: str) -> bytes:
        with self._errors_translated(key):
            answer = self._client.get_object(self._bucket, self._prefix + key)
            try:
                return bytes(answer.read())
            finally:
                answer.close()
                answer.release_conn()

    def get_file(self, key: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._errors_translated(key):
            self._client.fget_object(self._bucket, self._prefix + key, str(path))

    def has(self, key: str) -> bool:
        try:
            with self._errors_translated(key):
                self._client.stat_object(self._bucket, self._prefix + key)
        except KeyError:
            return False
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        return (entry.key for entry in self.entries(prefix))

    def entries(self, prefix: str) -> Iterator[BlobEntry]:
        with self._errors_translated():
            listed = self._client.list_objects(self._bucket, self._prefix + prefix, recursive=True)
            yield from sorted(
                BlobEntry(
                    item.object_name.removeprefix(self._prefix),
                    item.size,
                    item.last_modified.timestamp(),
                )
                for item in listed
            )

    def modified(self, key: str) -> float:
        with self._errors_translated(key):
            status = self._client.stat_object(self._bucket, self._prefix + key)
            return float(status.last_modified.timestamp())

    def remove(self, key: str) -> None:
        with self._errors_translated(key):
            self._client.remove_object(self._bucket, self._prefix + key)

    @contextmanager
    def _errors_translated(self, key: str = "") -> Iterator[None]:
        from minio.error import MinioException, S3Error
        from urllib3.exceptions import HTTPError

        try:
            yield
        except S3Error as error:
            if error.code in ("NoSuchKey", "NoSuchObject"):
                raise KeyError(key) from None
            raise InfrastructureError(
                f"The object store refused bucket '{self._bucket}': {error.code}.",
                REMEDIES.get(error.code, KEYS),
            ) from error
        except (MinioException, HTTPError, ParseError) as error:
            raise self._no_store(error) from error
        except ValueError as error:
            if "XML" in str(error):  # an answer of something else
                raise self._no_store(error) from error
            raise ConfigError(
                f"AIWF_STORE does not work: {error}.", "Write s3://bucket/prefix."
            ) from error

    def _no_store(self, error: Exception) -> InfrastructureError:
        return InfrastructureError(
            f"{self._endpoint} does not answer as an object store: {_reason(error)}.",
            "Check AIWF_S3_ENDPOINT: the address of the S3 interface, http:// or https:// as it "
            "speaks, with a certificate that this machine trusts.",
        )


def _http_client(patience: float) -> Any:
    """A client as minio makes it, which waits so many seconds at most, and tries twice."""
    import certifi
    from urllib3 import PoolManager, Retry, Timeout

    return PoolManager(
        timeout=Timeout(connect=patience, read=patience),
        cert_reqs="CERT_REQUIRED",
        ca_certs=os.environ.get("SSL_CERT_FILE") or certifi.where(),
        retries=Retry(total=1, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
    )


def _reason(error: Exception) -> str:
    """The innermost reason of a connection error."""
    inner = getattr(error, "reason", None) or error
    return (
        str(inner).partition("\n")[0].rpartition(": ")[2][:200].rstrip(".") or type(inner).__name__
    )
