"""Bytes as objects in an S3 bucket, through the minio client."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stages.runtime.errors import ConfigError, InfrastructureError


class S3Blobs:
    """Keys are object names below `prefix` in `bucket`; S3 itself makes each put atomic."""

    def __init__(
        self, endpoint: str, bucket: str, prefix: str, access_key: str, secret_key: str
    ) -> None:
        from minio import Minio

        secure = endpoint.startswith("https://")
        host = endpoint.removeprefix("https://").removeprefix("http://").rstrip("/")
        self._client: Any = Minio(host, access_key, secret_key, secure=secure)
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        with self._told():
            if not self._client.bucket_exists(bucket):
                self._client.make_bucket(bucket)

    def put(self, key: str, data: bytes) -> None:
        with self._told(key):
            self._client.put_object(self._bucket, self._prefix + key, io.BytesIO(data), len(data))

    def put_file(self, key: str, path: Path) -> None:
        with self._told(key):
            self._client.fput_object(self._bucket, self._prefix + key, str(path))

    def get(self, key: str) -> bytes:
        with self._told(key):
            answer = self._client.get_object(self._bucket, self._prefix + key)
            try:
                return bytes(answer.read())
            finally:
                answer.close()
                answer.release_conn()

    def get_file(self, key: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._told(key):
            self._client.fget_object(self._bucket, self._prefix + key, str(path))

    def has(self, key: str) -> bool:
        try:
            with self._told(key):
                self._client.stat_object(self._bucket, self._prefix + key)
        except KeyError:
            return False
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        with self._told():
            listed = self._client.list_objects(self._bucket, self._prefix + prefix, recursive=True)
            yield from sorted(item.object_name.removeprefix(self._prefix) for item in listed)

    def remove(self, key: str) -> None:
        with self._told(key):
            self._client.remove_object(self._bucket, self._prefix + key)

    @contextmanager
    def _told(self, key: str = "") -> Iterator[None]:
        from minio.error import S3Error
        from urllib3.exceptions import HTTPError

        try:
            yield
        except S3Error as error:
            if error.code in ("NoSuchKey", "NoSuchObject"):
                raise KeyError(key) from None
            raise InfrastructureError(
                f"The object store refused bucket '{self._bucket}': {error.code}.",
                "Check AIWF_S3_ACCESS_KEY, AIWF_S3_SECRET_KEY and the bucket's policy.",
            ) from error
        except ValueError as error:
            raise ConfigError(
                f"AIWF_STORE does not work: {error}.", "Write s3://bucket/prefix."
            ) from error
        except HTTPError as error:
            raise InfrastructureError(
                f"The object store does not answer: {error}.", "Check AIWF_S3_ENDPOINT."
            ) from error
