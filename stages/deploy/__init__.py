"""The deploy stage: makes a tested package from a trained model and its report."""

from stages.artifacts import Dataset, Model, Package, Report
from stages.config import DeploySlice
from stages.deploy.chain.pipeline_chain import pipeline_chain
from stages.deploy.compression_search import search_formats
from stages.deploy.finish import log_comparable, log_package, make_package
from stages.deploy.gate import check_gate
from stages.deploy.ladder import search_ladder
from stages.deploy.limits import check_limits
from stages.deploy.workbench import Workbench
from stages.resources import Resources
from stages.runtime.errors import AgreementNotMet, GateNotMet
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
    resources: Resources,
) -> Package:
    """Make the package for `config.target`, in the first number format of deploy.ladder that agrees
    with `model` and does not miss the gate; with deploy.compress auto, in the best of all.

    Raises GateNotMet if `report` says not to ship, if the network breaks a limit of its device, or
    if every number format that agrees misses the gate; AgreementNotMet if none agrees. With
    deploy.chain the package holds the named classifier, too, and the same errors are raised for
    the chain."""
    work = Workbench(model, report, dataset, config, store, run)
    try:
        check_gate(report)
        search = search_formats if config.deploy.compress == "auto" else search_ladder
        result = search(work)
        limits = check_limits(work, result, resources)
        package = make_package(work, result)
        store.save(package)
        log_package(package, work, result, limits)
        if config.deploy.chain.classifier:
            package = pipeline_chain(package, report, config, store, run, resources.cores)
    except (GateNotMet, AgreementNotMet) as error:
        place = f"package.{config.target}"
        run.log_tags({f"{place}.verdict": "no package: refused", f"{place}.reasons": error.problem})
        raise
    log_comparable(package, work)
    return package
