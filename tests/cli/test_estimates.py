"""What `aiwf plan` says a run takes, and whether it would be refused."""

from stages.artifacts import Ref
from stages.cli.estimates import print_plans
from stages.runner.planning import StagePlan
from stages.train.cost.estimate import Estimate
from tests import makers

GB = 10**9


def printed(capsys, tmp_path, *takes: Estimate) -> str:
    plans = [StagePlan("etl", "reuse", "it is there", Ref("dataset", "0" * 64))]
    plans += [StagePlan("train", "work", "it was never done", takes=estimate) for estimate in takes]
    print_plans(plans, makers.settings(tmp_path))
    return str(capsys.readouterr().out)


def test_each_task_and_all_together_are_told(capsys, tmp_path):
    out = printed(
        capsys, tmp_path, Estimate(12.3, GB // 2, 10**7), Estimate(0.52, 3 * 10**8, 2 * 10**7)
    )

    assert "about 12 min, 500 MB of memory, 10 MB of disk" in out
    assert "about 0.5 min, 300 MB of memory, 20 MB of disk" in out
    assert (
        "in all                        about 13 min, 500 MB of memory, 30 MB of disk; free: " in out
    )
    assert "refused" not in out


def test_what_would_be_refused_is_told_with_what_to_change(capsys, tmp_path):
    out = printed(capsys, tmp_path, Estimate(1, 10**15, 10**7))

    assert "A run would be refused." in out
    assert "1000000.0 GB of memory" in out
    assert "AIWF_THREADS" in out


def test_where_all_is_reused_nothing_is_foreseen(capsys, tmp_path):
    assert printed(capsys, tmp_path).count("\n") == 1
