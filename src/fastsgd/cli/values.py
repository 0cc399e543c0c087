"""From the texts of options to values of parameters; an error names the parameter."""


def common_values(params, shuffles):
    """Parameters that both families have, of what their options say.

    Parameters
    ----------
    params : dict
        By name of the parameter; those without an own form stay as they are.
    shuffles : dict
        Values of `shuffle` by word.
    """
    values = dict(params)
    if "shuffle" in params:
        values["shuffle"] = one_of(shuffles, params["shuffle"], "shuffle")
    if params.get("tol", "none") != "none":
        values["tol"] = number(params["tol"], "tol")
    if "max_time" in params:
        values["max_time"] = (
            None if params["max_time"] == "none" else number(params["max_time"], "max_time"))
    if "class_weight" in params:
        from fastsgd.cli.class_weights import parse_class_weight

        values["class_weight"] = parse_class_weight(params["class_weight"])
    return values


def one_of(values, text, name):
    """The value that a word stands for."""
    if text not in values:
        raise ValueError(f"The '{name}' parameter of it must be one of {', '.join(values)}, "
                         f"got {text!r}")
    return values[text]


def number(text, name):
    """The number that a text is."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"The '{name}' parameter of it must be a number, got {text!r}") from None


def layers(text):
    """(128, 64) of "128,64"; () of "none"."""
    parts = [] if text == "none" else text.split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise ValueError("The 'hidden_layer_sizes' parameter of it must be whole numbers > 0, as "
                         f"128,64, or none; got {text!r}")
    return tuple(int(part) for part in parts)
