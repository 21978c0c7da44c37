"""The lock, and what it promises."""

import re
import tomllib
from importlib.metadata import version

from packaging.requirements import Requirement

from tests.lock import ROOT, digest, required

LOCK = (ROOT / "requirements.lock").read_text()
PINS = dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", LOCK, re.MULTILINE))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_was_made_from_this_pyproject():
    assert LOCK.splitlines()[0].endswith(digest()), "say: make lock"


def test_every_requirement_is_pinned_to_a_version_it_allows():
    for line in required():
        requirement = Requirement(line)

        assert requirement.specifier.contains(PINS[canonical(requirement.name)]), line


def test_every_pin_has_a_hash_and_no_address():
    blocks = re.split(r"\n(?=[A-Za-z0-9])", LOCK.partition("\n")[2])

    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in LOCK


def test_this_environment_is_the_locked_one():
    for name in ("paddlepaddle", "ray", "mlflow", "apache-airflow", "dvc", "onnxruntime"):
        assert version(name) == PINS[name]


def test_the_licence_is_said_once_and_stands_at_the_top():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "LICENSE").read_text()

    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])
    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert text.rstrip().endswith("limitations under the License.")
    assert "[Apache-2.0](LICENSE)" in (ROOT / "README.md").read_text()
