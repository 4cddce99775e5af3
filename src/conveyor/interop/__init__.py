"""The import and export of weights and cells: other libraries' layers and weight layouts, ONNX, and layer files."""
