"""The files around an object.

archive  static libraries
wasm     links WebAssembly; web wraps it in JavaScript
texts    header, example and README
"""
