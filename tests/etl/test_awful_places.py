"""Workspaces with names that mean something in the syntax of DVC, SQLAlchemy, MLflow or a shell:
everything is written there, and nothing beside it."""

import os

import pytest
from pydantic import SecretStr

from stages import databases
from stages.config import DataConfig
from stages.etl import source, workspace
from stages.tracking.server import connect, experiment
from tests import makers
from tests.etl.conftest import Workshop

AWFUL = (
    "C# work",
    "[old] {x} *",
    "two\nlines",
    "a,b",
    "$HOME",
    "what?",
    "a%20b %(x)s",
    'it\'s "quoted"',
    "a:b;c&d",
    "~",
    " spaced ",
    "back\\slash",
    "grün 日本",
)


@pytest.mark.parametrize("name", AWFUL[:7])
def test_data_goes_into_a_workspace_of_any_name_and_comes_back(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shop = Workshop(tmp_path / name)
    makers.folder_of_pictures(shop.raw, 1)

    shop.add()
    with source.opened(DataConfig(name="shapes"), shop.settings) as folder:
        names = sorted(path.name for path in folder.rglob("*.png"))

    assert names == sorted(path.name for path in shop.raw.rglob("*.png"))
    assert list((shop.settings.root / "data" / "cache" / "files" / "md5").rglob("*.dir"))
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize(
    "name",
    [
        "C# a,b $HOME it's [x] \n ~ grün",
        pytest.param('what? a%20b "q"', marks=pytest.mark.slow),
    ],
)
def test_a_stage_and_mlflow_write_into_a_workspace_of_any_name(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shop = Workshop(tmp_path / name)
    makers.folder_of_pictures(shop.raw, 8)

    dataset = shop.make()
    client = connect(shop.settings)
    run = client.create_run(experiment(client, "shapes", shop.settings))
    client.log_text(run.info.run_id, "text", "note.txt")

    files = shop.settings.root / "mlflow" / "files"
    assert len(shop.samples(dataset)) == 24
    assert (files.parent / "mlflow.db").stat().st_size > 0
    assert [path.read_text() for path in files.rglob("note.txt")] == ["text"]
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", AWFUL)
def test_an_address_names_its_file(name, tmp_path):
    from sqlalchemy.engine import make_url

    path = tmp_path / name / "x.db"

    for address in (databases.address_of(path), databases.mlflow_address_of(path)):
        assert databases.path_of(address) == path
        assert make_url(address).database == str(path)


@pytest.mark.parametrize("secret", ["a#b", "a,b", "%(x)s%", "'\"", " x ", "$HOME", "a=b\n[c]"])
def test_a_secret_of_any_letters_reaches_dvc_as_it_is(tmp_path, secret):
    keys = {"s3_access_key": SecretStr(secret), "s3_secret_key": SecretStr(secret)}
    place = {"dvc_remote": "s3://raw/store", "s3_endpoint": "http://127.0.0.1:1"}
    settings = makers.settings(tmp_path).model_copy(update={**keys, **place})

    with workspace.workspace(settings) as folder, workspace.repository(folder, settings) as repo:
        remote = repo.config["remote"]["store"]

    assert remote["access_key_id"] == remote["secret_access_key"] == secret


@pytest.mark.parametrize("name", ["C# remote", "a,b", "what?", "a%20b", "$HOME", "{x}"])
def test_a_remote_that_is_a_folder_may_have_any_name(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raw = makers.folder_of_pictures(tmp_path / "raw", 2)
    settings = makers.settings(tmp_path).model_copy(update={"dvc_remote": name})
    (tmp_path / name).mkdir()

    source.add("shapes", raw, settings)

    assert list((tmp_path / name / "files").rglob("*.dir"))
