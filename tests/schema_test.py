#!/usr/bin/env python3
"""Checks a JSON document, or with --lines each line of a run.jsonl and its checksum, against a JSON Schema.

usage: schema_test.py SCHEMA FILE [--lines]     (FILE may be - for standard input)
Exit code 0: valid; 1: not valid, one line for each problem; 2: bad usage.
Without arguments it tests itself and the schemas of results/schema.
"""

import argparse
import json
import pathlib
import sys
import unittest
import zlib

import jsonschema

SEAL = 20  # bytes of `,"crc32":"89abcdef"}`


def checksum_problem(line):
    expected = b',"crc32":"%08x"}' % zlib.crc32(line[:-SEAL] + b"}")
    return None if line[-SEAL:] == expected else "checksum differs"


def schema_problems(validator, text):
    try:
        document = json.loads(text)
    except ValueError as error:
        return [f"not JSON: {error}"]
    found = sorted(validator.iter_errors(document), key=lambda error: list(map(str, error.path)))
    return ["/".join(map(str, error.absolute_path)) + ": " + explain(error) for error in found]


def explain(error):
    """Of alternatives that all failed: what the one of the right type lacks."""
    alternatives = {}
    for inner in error.context or []:
        alternatives.setdefault(inner.schema_path[0], []).append(inner)
    for errors in alternatives.values():
        if not any(inner.path and inner.path[0] == "type" for inner in errors):
            return "/".join(map(str, errors[0].path)) + ": " + errors[0].message[:300]
    return error.message[:300]


def load_validator(path):
    schema = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def line_problems(validator, data):
    lines = data.split(b"\n")
    problems = [] if lines.pop() == b"" else ["the last line has no newline"]
    if not lines:
        problems.append("no lines")
    for number, line in enumerate(lines, 1):
        found = schema_problems(validator, line)
        if problem := checksum_problem(line):
            found.append(problem)
        problems += [f"line {number}: {problem}" for problem in found]
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("schema")
    parser.add_argument("file")
    parser.add_argument("--lines", action="store_true")
    options = parser.parse_args()

    validator = load_validator(options.schema)
    data = sys.stdin.buffer.read() if options.file == "-" else pathlib.Path(options.file).read_bytes()
    problems = line_problems(validator, data) if options.lines else schema_problems(validator, data)
    for problem in problems[:50]:
        print(f"{options.file}: {problem}")
    if len(problems) > 50:
        print(f"and {len(problems) - 50} more")
    return 1 if problems else 0


def sealed(line):
    return line[:-1] + b',"crc32":"%08x"}\n' % zlib.crc32(line)


class Schemas(unittest.TestCase):
    SUMMARY = b'{"type":"summary","complete":true,"reason":"","noise":"quiet","environment":{},"repetitions":1,"lines":4}'

    def setUp(self):
        folder = pathlib.Path(__file__).resolve().parent.parent / "results" / "schema"
        self.record = load_validator(folder / "run-record.schema.json")
        self.run_document = load_validator(folder / "run.schema.json")

    def test_a_sound_line_is_accepted(self):
        self.assertEqual(line_problems(self.record, sealed(self.SUMMARY)), [])

    def test_a_changed_digit_is_noticed(self):
        line = sealed(self.SUMMARY).replace(b'"lines":4', b'"lines":5')
        self.assertEqual(line_problems(self.record, line), ["line 1: checksum differs"])

    def test_a_wrong_kind_of_member_is_refused(self):
        line = sealed(self.SUMMARY.replace(b"true", b'"yes"'))
        self.assertEqual(len(line_problems(self.record, line)), 1)

    def test_an_unknown_kind_of_line_is_refused(self):
        self.assertEqual(len(line_problems(self.record, sealed(b'{"type":"summery"}'))), 1)

    def test_a_torn_file_is_refused(self):
        self.assertIn("the last line has no newline", line_problems(self.record, sealed(self.SUMMARY)[:-1]))

    def test_a_document_without_arms_is_refused(self):
        found = schema_problems(self.run_document, '{"schema": "lab.run/1"}')
        self.assertTrue(any("'arms' is a required property" in problem for problem in found), found)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        unittest.main()
    sys.exit(main())
