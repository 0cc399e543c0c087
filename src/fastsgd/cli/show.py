"""How results are printed: one JSON object, or a line for each entry."""

import json
import math

import numpy as np


def show(result, as_json, file=None):
    """Prints a result to `file` (stdout): one JSON object, or a line for each entry."""
    if as_json:
        print(json.dumps(_plain(result)), file=file)
        return
    width = max(map(len, _flat(result)))
    for name, value in _flat(result).items():
        print(f"{name:<{width}}  {_text(name, value)}", file=file)


def _flat(result):
    flat = {}
    for name, value in result.items():
        if isinstance(value, dict):
            flat.update({f"{name} {inner}": v for inner, v in value.items()})
        else:
            flat[name] = value
    return flat


def _text(name, value):
    if value is None:
        return "-"
    if name.split()[-1] == "error":
        return f"{100 * value:.3f} %"
    if name == "rows_per_second":
        return f"{value:,.0f}"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def _plain(value):
    """Value as JSON has it; a number that is not finite becomes null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
