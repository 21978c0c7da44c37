"""Deploy: from a trained model and its report to a package that passed its own test."""

from stages.artifacts import Dataset, Model, Package, Report
from stages.config import DeploySlice
from stages.deploy.finish import finished, told
from stages.deploy.gate import check_gate
from stages.deploy.ladder import climbed
from stages.deploy.limits import held
from stages.deploy.workbench import Workbench
from stages.runtime.errors import AgreementNotMet, GateNotMet
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
    or no number format that agrees reaches the gate itself; AgreementNotMet if none agrees."""
    work = Workbench(model, report, dataset, config, store, run)
    try:
        check_gate(report)
        climb = climbed(work)
        limits = held(work, climb, settings)
        package = finished(work, climb)
    except (GateNotMet, AgreementNotMet) as error:
        place = f"package.{config.target}"
        run.log_tags({f"{place}.verdict": "no package: refused", f"{place}.reasons": error.problem})
        raise
    store.save(package)
    told(package, work, climb, limits)
    return package
