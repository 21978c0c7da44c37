"""What a workspace holds is not for others on the machine."""

from pathlib import Path

import pytest

from stages.etl import source
from stages.privacy import claim
from tests import makers


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_a_new_workspace_is_for_its_owner_alone(tmp_path):
    claim(tmp_path / "deep" / "workspace")

    assert mode(tmp_path / "deep" / "workspace") == 0o700


def test_one_of_before_is_tightened_once_and_that_is_said(tmp_path):
    (tmp_path / "w" / "mlflow").mkdir(parents=True)
    (tmp_path / "w").chmod(0o755)
    lines: list[str] = []

    claim(tmp_path / "w", lines.append)
    claim(tmp_path / "w", lines.append)

    assert mode(tmp_path / "w") == 0o700
    assert len(lines) == 1
    assert "only by you" in lines[0]


def test_a_folder_shared_with_a_group_stays_so_but_not_with_others(tmp_path):
    (tmp_path / "w").mkdir()
    (tmp_path / "w").chmod(0o2775)

    claim(tmp_path / "w", lambda _: None)

    assert mode(tmp_path / "w") == 0o2770


def test_of_a_project_s_folder_only_what_is_ours_is_tightened(tmp_path):
    for name in ("src", "mlflow", "data"):
        (tmp_path / "w" / name).mkdir(parents=True)
        (tmp_path / "w" / name).chmod(0o755)
    (tmp_path / "w").chmod(0o755)

    claim(tmp_path / "w", lambda _: None)

    modes = {name: mode(tmp_path / "w" / name) for name in ("src", "mlflow", "data", "")}
    assert modes == {"src": 0o755, "mlflow": 0o700, "data": 0o755, "": 0o755}


@pytest.mark.parametrize("own", [True, False], ids=["sticky", "of another user"])
def test_a_folder_of_everybody_is_left_alone(tmp_path, own):
    import os

    folder = tmp_path / "w"
    folder.mkdir()
    folder.chmod(0o1777 if own else 0o777)
    if not own:
        if os.geteuid():
            pytest.skip("only root can give a folder away")
        os.chown(folder, 65_534, 65_534)

    claim(folder, lambda _: None)

    assert mode(folder) == (0o1777 if own else 0o777)


def test_data_that_is_added_first_makes_a_workspace_for_its_owner(tmp_path):
    settings = makers.settings(tmp_path)

    source.add("shapes", makers.folder_of_pictures(tmp_path / "pictures", each=2), settings)

    assert mode(settings.root) == 0o700
