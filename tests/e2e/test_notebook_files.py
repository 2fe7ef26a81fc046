"""The notebooks as files: how make.py makes them from their sources, and what stands in them. None is run here."""
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path

import jsonschema
import nbformat

import labcase

NOTEBOOKS = labcase.ROOT / "notebooks"
SOURCES = sorted((NOTEBOOKS / "src").glob("*.py"))

sys.path.insert(0, str(NOTEBOOKS))
import make  # noqa: E402

# What a cell's metadata.nbgrader may say in schema 3, and which of it belongs together.
NBGRADER = {
    "type": "object", "additionalProperties": False,
    "required": ["schema_version", "grade", "solution", "locked", "task", "grade_id"],
    "properties": {"schema_version": {"const": 3}, "grade": {"type": "boolean"}, "solution": {"type": "boolean"},
                   "locked": {"type": "boolean"}, "task": {"type": "boolean"}, "points": {"type": "number", "minimum": 0},
                   "grade_id": {"type": "string", "pattern": "^[a-zA-Z0-9_-]+$"}},
    "if": {"properties": {"grade": {"const": True}}}, "then": {"required": ["points"]}, "else": {"not": {"required": ["points"]}},
}


class Making(unittest.TestCase):
    """make.py: two notebooks from one source."""

    def cells(self, text, student=False):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "lesson.py"
            path.write_text(text)
            return make.notebook(path, student)["cells"]

    def refused(self, text, message):
        with self.assertRaisesRegex(make.SourceError, message):
            self.cells(text, student=True)

    def test_text_and_code_become_cells(self):
        text, code = self.cells("# %% [markdown]\n# # Title\n#\n# words\n\n# %%\nx = 1\n")
        self.assertEqual((text["cell_type"], "".join(text["source"])), ("markdown", "# Title\n\nwords"))
        self.assertEqual((code["cell_type"], code["source"], code["outputs"], code["metadata"]), ("code", ["x = 1"], [], {}))

    def test_students_get_a_stub_where_the_solution_was_indented_alike(self):
        source = "# %% answer=f\ndef f():\n    ### BEGIN SOLUTION\n    return 42\n    ### END SOLUTION\n"
        self.assertIn("return 42", "".join(self.cells(source)[0]["source"]))
        self.assertEqual("".join(self.cells(source, student=True)[0]["source"]),
                         "def f():\n    # YOUR CODE HERE\n    raise NotImplementedError()")

    def test_students_get_tests_without_the_hidden_ones_and_essays_without_the_text(self):
        source = ("# %% test=t points=2\nassert f\n### BEGIN HIDDEN TESTS\nassert f() == 42\n### END HIDDEN TESTS\n"
                  "# %% [markdown] essay=e points=3\n# Because.\n")
        test, essay = self.cells(source, student=True)
        self.assertEqual(("".join(test["source"]), "".join(essay["source"])), ("assert f", "YOUR ANSWER HERE"))
        self.assertEqual(test["metadata"]["nbgrader"], {"schema_version": 3, "grade_id": "t", "task": False, "grade": True,
                                                        "solution": False, "locked": True, "points": 2})

    def test_a_source_that_makes_no_sense_is_refused_with_its_line(self):
        self.refused("x = 1\n", r"lesson\.py:1")
        self.refused("# %%\n\n# %% answr=a\n", r"lesson\.py:3")
        self.refused("# %% answer=a\nx = 1\n", "lesson.py:1: an answer needs")
        self.refused("# %% answer=a\n### BEGIN SOLUTION\n", "without ### END SOLUTION")
        self.refused("# %% answer=a\n### END SOLUTION\n### BEGIN SOLUTION\n", "without ### BEGIN SOLUTION")
        self.refused("# %% test=a\nx\n", "have points=")
        self.refused("# %% essay=a points=1\n", "an essay is")
        self.refused("# %% locked=a\n# %% locked=a\n", "lesson.py:2: another cell is called a")


class Made(unittest.TestCase):
    """The notebooks as they are committed."""

    def both(self):
        paths = [folder / f"{source.stem}.ipynb" for source in SOURCES for folder in (NOTEBOOKS, NOTEBOOKS / "solutions")]
        return [(path, nbformat.read(path, as_version=4)) for path in paths]

    def test_there_are_eight_lessons(self):
        self.assertEqual([source.stem[0] for source in SOURCES], list("12345678"))

    def test_they_are_what_their_sources_say(self):
        done = subprocess.run([sys.executable, "-B", NOTEBOOKS / "make.py", "--check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_they_are_valid_and_have_no_outputs(self):
        for path, notebook in self.both():
            nbformat.validate(notebook)
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    self.assertEqual((cell.outputs, cell.execution_count), ([], None), path)

    def test_nbgrader_can_read_them(self):
        for path, notebook in self.both():
            marked = [(cell, cell.metadata["nbgrader"]) for cell in notebook.cells if "nbgrader" in cell.metadata]
            for cell, said in marked:
                jsonschema.validate(said, NBGRADER)
                if cell.cell_type == "markdown" and (said["grade"] or said["solution"]):
                    self.assertTrue(said["grade"] and said["solution"], "a text is graded and a solution, or neither")
                self.assertFalse(said["solution"] and said["locked"], "what is answered cannot be locked")
            names = [said["grade_id"] for _, said in marked]
            self.assertEqual(len(names), len(set(names)), path)
            self.assertGreaterEqual(sum(said.get("points", 0) for _, said in marked), 8, path)

    def test_the_two_versions_differ_in_answers_tests_and_essays_only(self):
        for source in SOURCES:
            student, solution = (nbformat.read(folder / f"{source.stem}.ipynb", 4) for folder in (NOTEBOOKS, NOTEBOOKS / "solutions"))
            self.assertEqual(len(student.cells), len(solution.cells))
            for one, other in zip(student.cells, solution.cells):
                self.assertEqual(one.metadata, other.metadata)
                said = one.metadata.get("nbgrader", {"grade": False, "solution": False})
                if not (said["grade"] or said["solution"]):
                    self.assertEqual(one.source, other.source)

    def test_students_see_neither_solutions_nor_hidden_tests(self):
        for path, notebook in self.both():
            text = "\n".join(cell.source for cell in notebook.cells)
            marks = ("BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN TESTS", ").require()")
            for mark in marks:
                (self.assertIn if path.parent.name == "solutions" else self.assertNotIn)(mark, text, path)

    def test_no_test_contains_the_answers_that_it_grades(self):
        seen = 0
        for path, notebook in self.both():
            given = {}
            for cell in notebook.cells:
                if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code":
                    for name in re.findall(r'answered\(answers, (.+)\)', cell.source):
                        for one in re.findall(r'"([\w-]+)"', name):
                            seen += one in given
                            self.assertNotIn(given.get(one, "no such answer"), cell.source, f"{one} in {path}")
                given.update(re.findall(r'answers\["([\w-]+)"\] = "(.+)"', cell.source))
        self.assertGreater(seen, 20)

    def test_students_read_how_an_answer_is_written_before_the_first_question(self):
        for source in SOURCES:
            cells = nbformat.read(NOTEBOOKS / f"{source.stem}.ipynb", 4).cells
            first = next(place for place, cell in enumerate(cells) if "YOUR CODE HERE" in cell.source)
            self.assertRegex(cells[first - 1].source, r'(answers|verdicts)\["[^"]+"\] = ', source.name)

    def test_students_read_the_name_of_each_variable_that_a_test_reads(self):
        for source in SOURCES:
            cells = nbformat.read(NOTEBOOKS / f"{source.stem}.ipynb", 4).cells
            for place, cell in enumerate(cells):
                if cell.metadata.get("nbgrader", {}).get("grade_id", "").startswith("test-"):
                    for name in re.findall(r"(?:isinstance\(|500 % )(\w+)", cell.source):
                        told = "\n".join(one.source for one in cells[:place] if one.cell_type == "markdown")
                        self.assertRegex(told, rf"`{name}`", source.name)

    def test_a_run_that_answers_a_question_gets_the_predictions(self):
        for source in SOURCES:
            for name, second in re.findall(r'lab\.run\("([\w-]+)", (\w+)', source.read_text()):
                self.assertEqual(second, "answers", f"{source.name}: lab.run(\"{name}\", answers, …)")

    def test_a_run_that_is_shorter_than_the_text_says_so_before(self):
        for source in SOURCES:
            text = source.read_text()
            for name, scale in re.findall(r'lab\.run\("([\w-]+)".*(scale|delay|set)=', text):
                asked = "### BEGIN SOLUTION" if scale == "scale" else f'lab.run("{name}"'
                self.assertRegex(text[:text.index(asked)], r"\*\*.*(times faster|twice as fast).*:\*\*", source.name)

    def test_scenarios_in_text_are_scenarios(self):
        names = {path.stem for path in (labcase.ROOT / "scenarios").glob("*.toml")}
        for source in SOURCES:
            used = re.findall(r'lab\.(?:run|predict|show|grade)\("([\w-]+)"', source.read_text())
            self.assertTrue(used)
            self.assertLessEqual(set(used), names, source.name)
            for text in re.findall(r"lab\.scenario\(\"[\w-]+\", '''(.*?)'''", source.read_text(), re.S):
                tomllib.loads(text)


if __name__ == "__main__":
    unittest.main()
