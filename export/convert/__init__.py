"""From PyTorch to ONNX, and from float to int8."""
