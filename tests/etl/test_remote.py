"""Raw data in a bucket: pushed when it is added, pulled on another machine."""

import pytest
from pydantic import SecretStr

from stages.config import DataConfig
from stages.etl import source
from stages.runtime.errors import InfrastructureError
from tests import makers
from tests.contracts.test_blobs import s3_endpoint  # noqa: F401

KEYS = {"s3_access_key": SecretStr("key"), "s3_secret_key": SecretStr("secret")}


def bucket(folder, endpoint: str):
    """Settings for a workspace in `folder` whose raw data goes to a bucket at `endpoint`."""
    from minio import Minio

    client = Minio(endpoint.removeprefix("http://"), "key", "secret", secure=False)
    if not client.bucket_exists("raw"):
        client.make_bucket("raw")
    place = {"dvc_remote": "s3://raw/store", "s3_endpoint": endpoint}
    return makers.settings(folder).model_copy(update={**place, **KEYS})


@pytest.mark.service
def test_another_machine_gets_the_data_from_the_bucket(tmp_path, s3_endpoint):  # noqa: F811
    raw = makers.folder_of_pictures(tmp_path / "raw", 4)
    revision = source.add("shapes", raw, bucket(tmp_path / "here", s3_endpoint))

    data = DataConfig(name="shapes", revision=revision.revision)
    with source.opened(data, bucket(tmp_path / "there", s3_endpoint)) as folder:
        names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}

    assert names == {path.relative_to(raw).as_posix() for path in raw.rglob("*.png")}


def test_a_remote_that_is_not_there_is_told(tmp_path):
    raw = makers.folder_of_pictures(tmp_path / "raw", 2)
    settings = makers.settings(tmp_path).model_copy(update={"dvc_remote": "/proc/nowhere"})

    with pytest.raises(InfrastructureError, match=r"AIWF_DVC_REMOTE|AIWF_WORKSPACE"):
        source.add("shapes", raw, settings)

    assert source.revisions("shapes", settings) == []
