"""litert: a folder with the network as a .tflite file, for apps on Android and other programs."""

from pathlib import Path
from typing import ClassVar

import numpy as np

from stages.deploy.content import Content
from stages.deploy.targets.native_folder import Float32, NativeFolder
from stages.runtime.errors import BackendMissing


class LitertFolder(NativeFolder):
    """model.tflite, for LiteRT's libraries in Java, Kotlin, Swift, C++ and Python."""

    engine: ClassVar[str] = "litert"

    def usage(self) -> str:
        """How LiteRT opens the network."""
        return (
            "`Interpreter` of LiteRT (or of TensorFlow Lite) opens it. Its input and outputs have "
            "the axes of the test vector, so that a picture has its channels first; its signature "
            "`serving_default` names them. It was tested on a computer's processor with the "
            "XNNPACK delegate; it was not run on a phone."
        )

    def run_natively(self, folder: Path, content: Content, window: Float32) -> list[Float32]:
        """The outputs by LiteRT's signature, which the package's own code does not use."""
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise BackendMissing(
                f"LiteRT cannot be loaded here: {error}.", "Run: pip install ai-edge-litert"
            ) from error
        interpreter = Interpreter(str(folder / content.description["model"]), num_threads=1)
        runner = interpreter.get_signature_runner("serving_default")
        (name,) = runner.get_input_details()
        found = runner(**{name: window})
        order = [output["name"] for output in interpreter.get_output_details()]
        return [np.asarray(found[output], np.float32) for output in order]
