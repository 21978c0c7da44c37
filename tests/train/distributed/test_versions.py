"""A cluster with other libraries is refused before work begins."""

import pytest

from stages.runtime.errors import InfrastructureError
from stages.train.distributed import versions


def test_equal_machines_are_taken():
    versions.check_versions({"10.0.0.1": versions.versions_here()})


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [("numpy", "1.0.0", "numpy 1.0.0"), ("paddlepaddle", "", "paddlepaddle not at all")],
)
def test_another_version_is_told_with_its_machine(name, version, expected):
    other = versions.versions_here() | {name: version}

    with pytest.raises(
        InfrastructureError, match=f"10.0.0.2 has {expected}, this process"
    ) as caught:
        versions.check_versions({"10.0.0.1": versions.versions_here(), "10.0.0.2": other})
    assert "10.0.0.1" not in caught.value.problem


def test_the_last_number_of_python_does_not_count():
    here = versions.versions_here()["python"]
    other = versions.versions_here() | {"python": here.rpartition(".")[0] + ".99"}

    versions.check_versions({"10.0.0.1": other})
    with pytest.raises(InfrastructureError, match=r"python 3\.9\.1"):
        versions.check_versions({"10.0.0.1": other | {"python": "3.9.1"}})


def test_every_machine_is_asked(ray_running, monkeypatch):
    versions.check_cluster()
    here = versions.versions_here()
    monkeypatch.setattr(versions, "versions_here", lambda: here | {"numpy": "9.9"})
    with pytest.raises(InfrastructureError, match=r"numpy"):
        versions.check_versions({"10.0.0.1": here})
