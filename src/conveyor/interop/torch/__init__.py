"""The import and export of torch.nn's recurrent modules.

convert     a module to a layer and back
state_dict  recurrent modules found in a `state_dict`
replace     every recurrent module of a model, swapped in place
"""

from conveyor.interop.torch.convert import describe, from_torch, to_torch

__all__ = ["describe", "from_torch", "to_torch"]
