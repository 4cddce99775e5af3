"""Models with conveyor's layers inside, exported by `torch.onnx.export` itself.

in_graph      a program in a graph whose parameters are values of that graph
torch_export  the translation for both of torch's exporters
torchscript   nodes of ONNX in a graph of TorchScript
"""
