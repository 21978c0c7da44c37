"""A target that never packs, for a pipeline that has another one beside it."""

from stages.deploy.content import Content
from stages.runtime.errors import AgreementNotMet


class Broken:
    def files(self, content: Content) -> dict[str, bytes]:
        raise AgreementNotMet("It never packs.", "Name another target.")
