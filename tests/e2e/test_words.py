"""Phrases that readers stumbled over: none of them comes back in what the program prints."""
import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BANNED = (r"has (its|an|the \w+ caller \w+|the tenth \w+ \w+) answer\b", r"when has the", r"belongs? into a", r"(?<!/)\b(tells?|told) ",
          r"\bSICK\b", r"\bWELL\b", r"as on record", r"\ball two\b", r"Enter to pass", r"far from the others",
          r"carries nothing", r"do not carry this", r"alone cost the others", r"One turn ran", r"; but or ", r"alone never yields",
          r"await it not", r"straight on\b", r"\bin (the|no) line\b", r"to and fro", r"heard of\b", r"\bgets? along\b", r"at a stretch",
          r"stands? in (a )?(line|row)", r"\bhangs? on\b", r"\blets? go of\b", r"cannot be\. 0\.03", r"The same holds of")
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def printed():
    """What the program can print: the string literals of its sources, and the texts of its data."""
    for folder in ("lab", "harness", "results", "scenarios"):
        for path in sorted((ROOT / folder).rglob("*.[ct]*")):
            if path.suffix == ".toml":
                yield path, path.read_text(encoding="utf-8").replace("\\\n", "")
            elif path.suffix == ".cpp" and not path.stem.endswith("_test"):
                code = re.sub(r'"\s*\n\s*"', "", path.read_text(encoding="utf-8"))
                yield path, "\n".join(LITERAL.findall(code))


class Words(unittest.TestCase):
    def test_no_sentence_that_readers_stumbled_over_is_printed(self):
        found = [f"{path.relative_to(ROOT)}: {match.group()}" for path, text in printed() for banned in BANNED
                 for match in [re.search(banned, text, re.IGNORECASE if banned.islower() else 0)] if match]
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
