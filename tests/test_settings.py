"""Settings that cannot be are told by the variable's name."""

import os

import pytest

from stages.runtime.errors import ConfigError
from stages.settings import Settings


def test_each_variable_that_does_not_fit_is_named(monkeypatch):
    monkeypatch.setenv("AIWF_THREADS", "none")
    monkeypatch.setenv("AIWF_GPUS", "-1")

    with pytest.raises(ConfigError, match=r"AIWF_THREADS: .*; AIWF_GPUS: ") as raised:
        Settings()

    assert "none" not in raised.value.problem


def test_ray_client_is_refused_with_the_addresses_that_do():
    with pytest.raises(ConfigError, match=r"^AIWF_RAY: .*ray://host:10001; http://host:8265 "):
        Settings(ray="ray://host:10001")


@pytest.mark.parametrize(
    ("address", "job"), [("local", False), ("auto", False), ("http://host:8265", True)]
)
def test_an_address_on_the_web_is_where_jobs_are_handed_in(address, job):
    assert Settings(ray=address).job_address == (address if job else "")


def test_keys_that_are_taken_are_in_the_environment_no_more(monkeypatch):
    monkeypatch.setenv("AIWF_S3_ACCESS_KEY", "name")
    monkeypatch.setenv("aiwf_s3_secret_key", "key")
    monkeypatch.setenv("AIWF_S3_ENDPOINT", "http://far:1")

    settings = Settings.taken()

    assert settings.s3_secret_key.get_secret_value() == "key"
    assert settings.s3_access_key.get_secret_value() == "name"
    assert os.environ["AIWF_S3_ENDPOINT"] == "http://far:1"
    assert not {"AIWF_S3_ACCESS_KEY", "aiwf_s3_secret_key"} & set(os.environ)
