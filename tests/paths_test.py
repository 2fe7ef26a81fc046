"""Every path that README, CONTRIBUTING and LESSONS name is there."""
import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
NAMED = re.compile(r"`((?:lab|harness|results|scenarios|tests|bench|cmake|packaging|notebooks)/[\w./-]+)`")
MADE_BY_FOLLOWING = re.compile(r"Write `([^`]+)`")  # the recipes of CONTRIBUTING


class Paths(unittest.TestCase):
    def test_what_the_documents_name_is_there(self):
        for document in ("README.md", "CONTRIBUTING.md", "LESSONS.md"):
            text = (ROOT / document).read_text(encoding="utf-8")
            recipes = set(MADE_BY_FOLLOWING.findall(text))
            named = {path for path in LINK.findall(text) if "://" not in path} | set(NAMED.findall(text)) - recipes
            missing = sorted(path for path in named if not (ROOT / path).exists() and not path.endswith(("NAME.cpp", "test_x.py")))
            self.assertEqual(missing, [], document)


if __name__ == "__main__":
    unittest.main()
