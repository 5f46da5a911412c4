"""The models that `scripts/export.py` knows: name -> builder.

A builder reads `Options` and returns an `Example`: a module with seeded
weights, inputs to export it with, and which of their dimensions may vary.
A new model is one function and one row of its file's `TABLE`.
"""

from models import gpt, huggingface, mlp, nets, oddities, vision
from models.example import Example, Options

TABLE = {
    **gpt.TABLE,
    **huggingface.TABLE,
    **mlp.TABLE,
    **nets.TABLE,
    **oddities.TABLE,
    **vision.TABLE,
}

__all__ = ["TABLE", "Example", "Options"]
