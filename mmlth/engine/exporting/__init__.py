"""The steps of an export to ONNX: the part of a model, its trace, and the check against torch."""
