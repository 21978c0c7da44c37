"""The chain of a pipeline: the detector that its run packed, and the classifier that `deploy.chain`
names."""

from stages.artifacts import Package, Report
from stages.config import DeploySlice
from stages.deploy.chain.chain_content import ChainRule
from stages.deploy.chain.packing import ChainRequest, make_chain
from stages.deploy.chain.parts import opened_part
from stages.deploy.chain.truth import Annotations, annotations_in, margin_for
from stages.store import Store
from stages.tracking import Run


def pipeline_chain(
    package: Package, report: Report, config: DeploySlice, store: Store, run: Run, cores: int
) -> Package:
    """The chain of `package`, the detector that `report` is about, and the classifier of `config`;
    it is saved, and its page logged to `run`. `cores`: threads of the trained models.

    Raises what `make_chain` does, and ConfigError if an artifact that `config` names is gone."""
    chain = config.deploy.chain
    parts = opened_part(f"package@{package.ref.id}", store), opened_part(chain.classifier, store)
    margin = margin_for(parts[1], store) if chain.margin is None else chain.margin
    request = ChainRequest(
        name=config.name,
        detector=parts[0],
        classifier=parts[1],
        rule=ChainRule(chain.labels, margin),
        target=config.target,
        truth=_truth(chain.truth, store),
        gate=report.gate,
        max_drop=config.deploy.max_drop,
    )
    chained = make_chain(request, store, cores, run.progress)
    run.log_file("chain.html", store.get(chained.files["report.html"]))
    return chained


def _truth(name: str, store: Store) -> tuple[str, Annotations] | None:
    return (name, annotations_in(store.load(store.find(name)), store)) if name else None
