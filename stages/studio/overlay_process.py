"""The process that draws what a model looked at: it loads Paddle and the model once, and answers
messages of `message_process.py`. It ends with the server, or when it is not asked for a while."""

from typing import TYPE_CHECKING, Any

from stages.runtime.errors import WorkflowError
from stages.settings import Settings
from stages.studio.message_process import Answered, answer_messages

if TYPE_CHECKING:  # Paddle is not imported before it is needed
    from stages.evaluate.activation_overlay import ActivationOverlays


class Overlays:
    """Draws overlays of the model that was asked last."""

    def __init__(self) -> None:
        self._model = ""
        self._overlays: ActivationOverlays | None = None

    def answer(self, request: dict[str, Any], data: bytes) -> Answered:
        """The overlay of the picture in `data`, or of the sample with the digest `sample`, for
        `label`, or for what the model with the id `model` answers."""
        from stages.artifacts import Ref
        from stages.evaluate.activation_overlay import ActivationOverlays
        from stages.opening import open_store

        try:
            store = open_store(Settings())
            if self._overlays is None or self._model != request["model"]:
                model = store.load(Ref("model", request["model"]))
                self._overlays = ActivationOverlays(model, store)
                self._model = request["model"]
            picture = store.get(request["sample"]) if request.get("sample") else data
            found = self._overlays.overlay(picture, request["label"])
        except WorkflowError as error:
            return {"problem": error.problem, "remedy": error.remedy}, b""
        facts = found._asdict()
        return facts, facts.pop("jpeg")


def main() -> None:
    """Answer messages until standard input ends."""
    answer_messages(Overlays().answer)
