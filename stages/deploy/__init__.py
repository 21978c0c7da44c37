"""Deploy: from a trained model and its report to a package that passed its own test."""

from stages.artifacts import Dataset, Model, Package, Report
from stages.config import DeploySlice
from stages.deploy.finish import finished, told
from stages.deploy.gate import check_gate
from stages.deploy.ladder import climbed
from stages.deploy.limits import held
from stages.deploy.workbench import Workbench
from stages.settings import Settings
from stages.store import Store
from stages.tracking import Run


def deploy(
    model: Model,
    report: Report,
    dataset: Dataset,
    config: DeploySlice,
    *,
    store: Store,
    run: Run,
    settings: Settings,
) -> Package:
    """Make the package for `config.target`, in the smallest number format that agrees with `model`.

    Raises GateNotMet if `report` says not to ship or the network breaks a limit of its device,
    AgreementNotMet if no rung agrees."""
    check_gate(report)
    work = Workbench(model, report, dataset, config, store, run)
    climb = climbed(work)
    limits = held(work, climb, settings)
    package = finished(work, climb)
    store.save(package)
    told(package, work, climb, limits)
    return package
