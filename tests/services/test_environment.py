"""The servers' environment: secrets for the owner only, and the same settings in any folder."""

import os
import re
import stat

import pytest
from pydantic import SecretStr

from stages.closure import ROOT
from stages.local.environment import airflow_environment, login, settings_environment
from stages.runtime.errors import ConfigError
from stages.settings import Settings


def test_secrets_are_random_kept_and_for_the_owner_only(tmp_path):
    settings = Settings(workspace=tmp_path)

    first, again = airflow_environment(settings), airflow_environment(settings)

    assert first == again
    assert len(first["AIRFLOW__API_AUTH__JWT_SECRET"]) >= 64
    other = airflow_environment(Settings(workspace=tmp_path / "other"))
    assert first["AIRFLOW__API_AUTH__JWT_SECRET"] != other["AIRFLOW__API_AUTH__JWT_SECRET"]
    for name in ("jwt_secret", "secret_key", "passwords.json"):
        assert stat.S_IMODE((tmp_path / "airflow" / name).stat().st_mode) == 0o600


def test_a_password_that_a_person_set_is_kept(tmp_path):
    (tmp_path / "airflow").mkdir()
    (tmp_path / "airflow" / "passwords.json").write_text('{"admin": "mine"}')

    airflow_environment(Settings(workspace=tmp_path))

    assert login(Settings(workspace=tmp_path)) == ("admin", "mine")


@pytest.mark.parametrize("torn", [b"", b"[core\n", b"\xff\xfe", b"fernet_key = "])
def test_a_settings_file_that_a_kill_left_torn_is_made_anew(tmp_path, torn):
    config = tmp_path / "airflow" / "airflow.cfg"
    config.parent.mkdir()
    config.write_bytes(torn)

    airflow_environment(Settings(workspace=tmp_path))

    assert "fernet_key = " in config.read_text().splitlines()[1]
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


def test_a_settings_file_with_a_person_s_own_key_is_kept(tmp_path):
    config = tmp_path / "airflow" / "airflow.cfg"
    config.parent.mkdir()
    config.write_text("[core]\nfernet_key = mine\n")

    airflow_environment(Settings(workspace=tmp_path))

    assert config.read_text() == "[core]\nfernet_key = mine\n"


@pytest.mark.parametrize("name", ["passwords.json", "jwt_secret", "secret_key"])
def test_a_secret_that_a_full_disk_left_empty_is_made_anew(tmp_path, name):
    path = tmp_path / "airflow" / name
    path.parent.mkdir()
    path.touch()

    airflow_environment(Settings(workspace=tmp_path))

    assert path.read_text()
    assert not list(path.parent.glob(".*.part"))


def test_a_worker_in_another_folder_has_the_same_settings(tmp_path, monkeypatch):
    settings = Settings(workspace=tmp_path, threads=3, s3_secret_key=SecretStr("hush"))
    for name, value in settings_environment(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(os.sep)

    there = Settings()

    assert there.root == settings.root
    assert there.threads == 3
    assert there.s3_secret_key.get_secret_value() == "hush"
    assert there.pipelines.is_absolute()


def test_servers_listen_on_this_machine_only(tmp_path):
    environment = airflow_environment(Settings(workspace=tmp_path))

    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].startswith("http://127.0.0.1:")


def test_every_setting_stands_in_the_file_of_settings():
    documented = re.findall(r"AIWF_(\w+)=", (ROOT / "infra" / "settings.env").read_text())

    assert sorted(name.lower() for name in documented) == sorted(Settings.model_fields)


def test_a_folder_that_airflow_would_take_for_a_variable_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("WORK", "/elsewhere")

    for name in ("$WORK", "a ${WORK} b"):
        with pytest.raises(ConfigError, match="as a variable") as caught:
            airflow_environment(Settings(workspace=tmp_path / name))
        assert "AIWF_WORKSPACE" in caught.value.remedy

    assert list(tmp_path.iterdir()) == []
    assert airflow_environment(Settings(workspace=tmp_path / "$ 5 $no_such"))


def test_the_database_of_airflow_is_in_a_folder_of_any_name(tmp_path):
    from sqlalchemy.engine import make_url

    place = tmp_path / "C# 50% a%20b?"

    address = airflow_environment(Settings(workspace=place))["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]

    assert make_url(address).database == str(place / "airflow" / "airflow.db")
