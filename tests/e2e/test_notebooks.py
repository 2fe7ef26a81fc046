"""All notebooks, run by Jupyter from top to bottom: the solutions whole, the students' until their first empty answer."""
import contextlib
import os
import shutil
import tempfile
import unittest
from datetime import datetime
from pathlib import Path

# A kernel is Debian's own: nothing of the caller's Jupyter is asked. Before nbclient is imported.
_home = tempfile.TemporaryDirectory(prefix="lab-notebooks-")
os.environ.update(JUPYTER_DATA_DIR=f"{_home.name}/data", JUPYTER_CONFIG_DIR=f"{_home.name}/config", JUPYTER_RUNTIME_DIR=f"{_home.name}/run")

import nbclient  # noqa: E402
import nbformat  # noqa: E402

import labcase  # noqa: E402
from labcase import LabCase, alone, figures, measured, timed  # noqa: E402

NOTEBOOKS = labcase.ROOT / "notebooks"
LONGEST_CELL = 10  # seconds, on a quiet machine
PLOTS = {"1": 3, "2": 3, "3": 5, "4": 6, "5": 5, "6": 2, "7": 2, "8": 1}  # at least so many pictures


def noise():
    """How much longer a cell may take because others use the cores."""
    return max(1.0, os.getloadavg()[0] / os.cpu_count())


def seconds_of(cell):
    told = cell.metadata["execution"]
    begin, end = (datetime.fromisoformat(told[key].replace("Z", "+00:00")) for key in ("iopub.execute_input", "shell.execute_reply"))
    return (end - begin).total_seconds()


def errors_of(cell):
    return [output for output in cell.get("outputs", []) if output.output_type == "error"]


class Notebooks(LabCase):
    def execute(self, notebook, folder=NOTEBOOKS, **environment):
        """Runs every cell in `folder`, whatever fails, and returns the notebook with outputs."""
        env = {**self.environment, "LAB": labcase.lab_program(), "IPYTHONDIR": f"{_home.name}/ipython",
               "MPLCONFIGDIR": f"{_home.name}/matplotlib", "PYTHONDONTWRITEBYTECODE": "1",
               "PYDEVD_DISABLE_FILE_VALIDATION": "1", **environment}
        client = nbclient.NotebookClient(notebook, timeout=int(60 * labcase.PATIENCE), kernel_name="python3", allow_errors=True,
                                         resources={"metadata": {"path": str(folder)}})
        client.execute(env=env)
        return notebook

    @measured
    def run_solution(self, number):
        path = next((NOTEBOOKS / "solutions").glob(f"{number}-*.ipynb"))
        notebook = self.execute(nbformat.read(path, 4), path.parent)
        pictures = 0
        for cell in notebook.cells:
            for error in errors_of(cell):
                # A cell asserts what it measured; whatever else it raises is a mistake.
                with figures() if error.ename == "AssertionError" else contextlib.nullcontext():
                    self.fail(f"{path.name}, {cell.id}:\n{cell.source}\n{error.ename}: {error.evalue}")
            if cell.cell_type == "code":
                with figures():
                    self.assertLess(seconds_of(cell), LONGEST_CELL * noise() * labcase.PATIENCE, f"{path.name}, {cell.id}:\n{cell.source}")
                pictures += sum("image/png" in output.get("data", {}) for output in cell.outputs)
        self.assertGreaterEqual(pictures, PLOTS[number])
        if folder := os.environ.get("LAB_KEEP_NOTEBOOKS"):  # to look at what they draw
            nbformat.write(notebook, Path(folder) / path.name)

    @timed
    def test_1_sum_or_max(self):
        self.run_solution("1")

    @timed
    def test_2_who_froze_the_loop(self):
        self.run_solution("2")

    @timed
    def test_3_the_41st_request(self):
        self.run_solution("3")

    @alone
    def test_4_cores_gil_workers(self):
        self.run_solution("4")

    @alone
    def test_5_cpu_on_the_loop(self):
        self.run_solution("5")

    @timed
    def test_6_audit_the_documents(self):
        self.run_solution("6")

    @timed
    def test_7_beyond_one_machine(self):
        self.run_solution("7")

    @unittest.skipUnless(os.environ.get("LAB_FULL"), "six diagnoses take half a minute: LAB_FULL=1; test_grade.py repairs a server each time")
    @alone
    def test_8_find_the_line(self):
        self.run_solution("8")

    def test_an_empty_submission_runs_fails_where_it_is_empty_and_earns_nothing(self):
        notebook, solution = (nbformat.read(folder / "1-sum-or-max.ipynb", 4) for folder in (NOTEBOOKS, NOTEBOOKS / "solutions"))
        roles = {}
        for cell, original in zip(notebook.cells, solution.cells):
            said = cell.metadata.get("nbgrader", {"grade": False, "solution": False})
            roles[cell.id] = "answer" if said["solution"] else "test" if said["grade"] else "other"
            if roles[cell.id] == "test":
                cell.source = original.source  # nbgrader puts its own tests back before it grades
        failed = {"answer": [], "test": [], "other": []}
        for cell in self.execute(notebook).cells:
            if cell.cell_type == "code":
                failed[roles[cell.id]].append({error.ename for error in errors_of(cell)})
        self.assertEqual(failed["answer"], [{"NotImplementedError"}] * 3)
        self.assertEqual(failed["test"], [{"LabError"}, {"LabError"}, {"AssertionError"}])
        # Without a prediction nothing is run, so there is nothing to look at.
        self.assertEqual([names for names in failed["other"] if names], [{name} for name in ("LabError", "NameError") * 2] + [{"NameError"}])

    def test_students_are_stopped_at_the_first_question_before_any_run(self):
        for path in sorted(NOTEBOOKS.glob("*.ipynb")):
            with self.subTest(notebook=path.name):
                code = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
                first = next(place for place, cell in enumerate(code) if "NotImplementedError" in cell.source)
                before = "\n".join(cell.source for cell in code[:first])
                self.assertNotRegex(before, r"lab\.(run|predict|verify)\(")
                script = self.work / "cells.py"
                script.write_text(before + "\n" + code[first].source)
                done = labcase.subprocess.run(["/usr/bin/python3", "-B", script], cwd=NOTEBOOKS, capture_output=True, text=True,
                                              env={**self.environment, "LAB": labcase.lab_program(), "MPLBACKEND": "agg",
                                                   "MPLCONFIGDIR": f"{_home.name}/matplotlib", "PYTHONPATH": str(NOTEBOOKS)})
                self.assertTrue(done.stderr.rstrip().endswith("NotImplementedError"), done.stderr)

    def test_without_the_program_a_notebook_says_what_to_type(self):
        alone = self.work / "alone"
        alone.mkdir()
        for name in ("lab.py", "plots.py"):
            shutil.copy(NOTEBOOKS / name, alone)
        notebook = nbformat.read(NOTEBOOKS / "1-sum-or-max.ipynb", 4)
        notebook.cells = notebook.cells[:4]
        self.execute(notebook, alone, LAB="", PATH="/nowhere")
        (error,) = [error for cell in notebook.cells for error in errors_of(cell)]
        self.assertIn("./labw build", error.evalue)
        self.assertEqual(error.traceback, [f"LabError: {error.evalue}"])


if __name__ == "__main__":
    unittest.main()
