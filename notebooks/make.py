#!/usr/bin/python3
"""Makes the notebooks: each src/NAME.py becomes NAME.ipynb for students and solutions/NAME.ipynb for the teacher.

    notebooks/make.py            writes both
    notebooks/make.py --check    writes nothing; exit code 1 where a notebook is not what its source says

A source is Python in cells, each begun by a line `# %%` and what the cell is for nbgrader:

    # %%                          code                  # %% [markdown]              text, each line after "# "
    # %% answer=ID                the student's code    # %% [markdown] essay=ID points=2   graded by hand
    # %% test=ID points=1         graded by itself      # %% locked=ID               code that is not to be changed

In both versions the cells carry nbgrader's metadata (schema 3); the teacher's version is what nbgrader takes as source.
The student's version is without what stands between ### BEGIN SOLUTION and ### END SOLUTION, without hidden tests, and
without the text of essays, by the same rules as `nbgrader generate_assignment`. No package is needed to run this.
"""
import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
STUB = ["# YOUR CODE HERE", "raise NotImplementedError()"]
ROLES = {"answer": dict(grade=False, solution=True, locked=False), "test": dict(grade=True, solution=False, locked=True),
         "essay": dict(grade=True, solution=True, locked=False), "locked": dict(grade=False, solution=False, locked=True)}
HEAD = re.compile(r"# %%(?P<text> \[markdown\])?(?P<words>( [a-z]+=[\w-]+)*)")


class SourceError(Exception):
    """A source that cannot become a notebook: file, line, reason."""


def cells_of(path):
    """The cells of a source: kind, nbgrader role, id, points and lines."""
    cells = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.startswith("# %%"):
            if cells:
                cells[-1]["lines"].append(line)
            elif line.strip():
                raise SourceError(f"{path.name}:{number}: text before the first cell; begin it with # %%")
            continue
        head = HEAD.fullmatch(line)
        words = dict(word.split("=") for word in head["words"].split()) if head else {}
        points = words.pop("points", None)
        if not head or len(words) > 1 or not words.keys() <= ROLES.keys():
            raise SourceError(f"{path.name}:{number}: a cell begins with # %% [markdown] and one of answer=, test=, essay=, locked=")
        role, name = next(iter(words.items()), (None, None))
        if (role in ("test", "essay")) != (points is not None):
            raise SourceError(f"{path.name}:{number}: tests and essays have points=, others have none")
        if (role == "essay") != bool(head["text"] and role):
            raise SourceError(f"{path.name}:{number}: an essay is [markdown], and no other graded cell is")
        cells.append({"text": bool(head["text"]), "role": role, "id": name, "points": points, "lines": [], "at": f"{path.name}:{number}"})
    return cells


def without(lines, begin, end, stub, at):
    """The lines without each region from begin to end; the stub, indented alike, stands for it."""
    kept, inside = [], False
    for line in lines:
        if line.strip() == begin:
            if inside:
                raise SourceError(f"{at}: {begin} inside another one")
            inside = True
            kept += [line[:line.index("#")] + word for word in stub]
        elif line.strip() == end:
            if not inside:
                raise SourceError(f"{at}: {end} without {begin}")
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise SourceError(f"{at}: {begin} without {end}")
    return kept


def lines_for(cell, student):
    lines = [line[2:] if line.startswith("# ") else "" for line in cell["lines"]] if cell["text"] else list(cell["lines"])
    while lines and not lines[-1].strip():
        lines.pop()
    if cell["role"] == "answer" and "### BEGIN SOLUTION" not in (line.strip() for line in lines):
        raise SourceError(f"{cell['at']}: an answer needs ### BEGIN SOLUTION and ### END SOLUTION")
    if not student:
        return lines
    if cell["role"] == "answer":
        return without(lines, "### BEGIN SOLUTION", "### END SOLUTION", STUB, cell["at"])
    if cell["role"] == "test":
        lines = without(lines, "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS", [], cell["at"])
        while lines and not lines[-1].strip():
            lines.pop()
        return lines
    return ["YOUR ANSWER HERE"] if cell["role"] == "essay" else lines


def notebook(path, student):
    """The notebook of a source, as a value; without outputs."""
    made, names = [], set()
    for place, cell in enumerate(cells_of(path), start=1):
        metadata = {}
        if cell["role"]:
            if cell["id"] in names:
                raise SourceError(f"{cell['at']}: another cell is called {cell['id']}")
            names.add(cell["id"])
            metadata["nbgrader"] = {"schema_version": 3, "grade_id": cell["id"], "task": False, **ROLES[cell["role"]]}
            if cell["points"]:
                metadata["nbgrader"]["points"] = int(cell["points"])
        source = "\n".join(lines_for(cell, student)).splitlines(keepends=True)
        one = {"cell_type": "markdown" if cell["text"] else "code", "id": f"cell-{place:02}", "metadata": metadata, "source": source}
        if not cell["text"]:
            one.update(execution_count=None, outputs=[])
        made.append(one)
    return {"cells": made, "nbformat": 4, "nbformat_minor": 5,
            "metadata": {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
                         "language_info": {"name": "python"}}}


def notebooks():
    """Path of each notebook and the text that belongs there."""
    for source in sorted((HERE / "src").glob("*.py")):
        for folder, student in ((HERE, True), (HERE / "solutions", False)):
            text = json.dumps(notebook(source, student), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
            yield folder / f"{source.stem}.ipynb", text


def main(words):
    if words not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    wanted = dict(notebooks())
    found = {path: path.read_text(encoding="utf-8") for folder in (HERE, HERE / "solutions") for path in folder.glob("*.ipynb")}
    differing = sorted(path for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path))
    if words:
        for path in differing:
            print(f"{path.relative_to(HERE)} is not what its source says (or has outputs): type notebooks/make.py", file=sys.stderr)
        return int(bool(differing))
    for path in differing:
        if path in wanted:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SourceError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
