"""Writes networks as files of TensorFlow Lite, which LiteRT runs, from a folded graph of ONNX.

LiteRT's own converters start from TensorFlow or PyTorch, and converters from ONNX bring one of
them along; the schema of the file format comes with LiteRT itself, and is all that is used here.
Pictures are [n, height, width, channels] in such a file; `tflite_lowering.py` says where."""
