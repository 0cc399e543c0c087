"""Writes docs/map.md, every file with the first sentence of its own description.

Run ``python docs/make_map.py`` after a file was added, moved or described anew.
"""

import ast
import re
from pathlib import Path

import fastsgd

PACKAGE = Path(fastsgd.__file__).parent
PAGE = Path(__file__).with_name("map.md")
SUFFIXES = (".py", ".pyx", ".h", ".inc")

BEGIN = """\
# Every file, by folder

Not written by hand: `python docs/make_map.py` takes the first sentence of each file.
[architecture.md](architecture.md) says in which order to read, and how the parts work together.
"""


def folders():
    """{folder relative to the package: its source files}, from the top downward, sorted."""
    found = {}
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in SUFFIXES:
            found.setdefault(path.parent.relative_to(PACKAGE), []).append(path)
    return dict(sorted(found.items()))


def description(path):
    """The first sentence of a file's docstring or opening comment.

    Raises
    ------
    ValueError
        It has none.
    """
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        found = ast.get_docstring(ast.parse(text)) or ""
    elif path.suffix == ".pyx":
        match = re.search(r'"""(.*?)"""', text, re.S)
        found = match[1] if match else ""
    else:
        match = re.match(r"/\*\s*(?:[\w.]+\.(?:h|inc):)?\s*(.*?)\*/", text, re.S)
        found = re.sub(r"^ \* ?", "", match[1], flags=re.M) if match else ""
    sentence = re.match(r"(.*?[.:])(?:\s|$)", found.replace("\n", " ").strip() + " ")
    if not sentence:
        raise ValueError(f"{path.relative_to(PACKAGE)} does not begin with a sentence about it")
    return re.sub(r"``([^`]*)``", r"`\1`", sentence[1].rstrip(":.")).replace("|", r"\|") + "."


def page():
    """The text of docs/map.md."""
    parts = [BEGIN]
    for folder, files in folders().items():
        title = "fastsgd" if folder == Path() else folder.as_posix()
        lines = [f"## {title}/", ""]
        package = [path for path in files if path.name == "__init__.py"]
        lines += [description(path) + "\n" for path in package]
        lines += ["| file | |", "|---|---|"]
        lines += [f"| [`{path.name}`](../src/fastsgd/{path.relative_to(PACKAGE).as_posix()}) | "
                  f"{description(path)} |" for path in files if path not in package]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
