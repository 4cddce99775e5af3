"""Weights and cells in and out: other libraries' layers, their weight orders, ONNX, and conveyor's own files."""
