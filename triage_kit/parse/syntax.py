"""The syntax tree of a Python file, made once for the readers that follow one another over the same text."""

from __future__ import annotations

import ast
import warnings
from functools import lru_cache


@lru_cache(maxsize=1)
def tree_of(text: str) -> ast.Module:
    """The tree, which nobody changes; raises what ``ast.parse`` raises.

    >>> ast.unparse(tree_of("a = 1"))
    'a = 1'
    """
    with warnings.catch_warnings():
        # What Python has to say of other people's code ("invalid escape sequence") is for them.
        warnings.simplefilter("ignore")
        return ast.parse(text.removeprefix("\ufeff"))
