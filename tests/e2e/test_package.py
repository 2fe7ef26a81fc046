"""What is installed: the program finds its own, and the manual and the completions know every verb and option."""
import json
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from labcase import BINARY, ROOT, LabCase, lab_program

BUILD = BINARY.parent.parent


def verbs_and_options(case):
    """From --help, as people read it: {verb: {--option, …}}."""
    verbs = re.findall(r"^  ([a-z]+) ", case.lab("--help").out.partition("Subcommands:")[2], re.M)
    case.assertGreater(len(verbs), 12)
    return {verb: set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", re.split(r"\nExample", case.lab(verb, "--help").out)[0]))
            for verb in verbs}


class Installed(LabCase):
    def install(self):
        prefix = self.folder / "prefix"
        if not (BUILD / "texts/lab.1").exists():
            subprocess.run(["cmake", "--build", BUILD, "--target", "texts"], check=True, capture_output=True)
        done = subprocess.run(["cmake", "--install", BUILD, "--prefix", "/opt/lab"], capture_output=True, text=True,
                              env={**self.environment, "DESTDIR": str(prefix)})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return prefix / "opt/lab"

    def test_an_installed_program_needs_nothing_of_the_checkout(self):
        prefix = self.install()
        names = {path.relative_to(prefix).as_posix() for path in prefix.rglob("*") if path.is_file()}
        self.assertTrue({"bin/lab", "share/lab/scenarios/blocking-async.toml", "share/lab/claims.toml", "share/man/man1/lab.1",
                         "share/bash-completion/completions/lab", "share/zsh/vendor-completions/_lab",
                         "share/fish/vendor_completions.d/lab.fish"} <= names, names)
        self.assertEqual({Path(name).name for name in names if name.startswith("share/lab/scenarios")},
                         {path.name for path in (ROOT / "scenarios").glob("*.toml")})
        done = subprocess.run([prefix / "bin/lab", "run", "forgotten-await", "--quick", "--quiet", "--format", "json"],
                              cwd=self.work, env=self.environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        path = Path(json.loads(done.stdout)["path"])
        self.assertEqual(path.parent, self.runs)
        self.assertTrue((path / "run.jsonl").exists())

    def test_the_manual_is_clean_and_names_every_verb_and_option(self):
        page = self.install() / "share/man/man1/lab.1"
        text = page.read_text()
        self.assertIsNone(re.search("@[A-Z]+@", text))
        for verb, options in verbs_and_options(self).items():
            section = text.partition(f".Ss lab {verb}\n")[2].partition("\n.Ss ")[0]
            self.assertEqual([name for name in sorted(options) if f"Fl {name[1:]}" not in section], [], verb)
        if shutil.which("man"):
            done = subprocess.run(["man", "--warnings", "-l", page], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  text=True, env={**self.environment, "MANWIDTH": "80"})
            self.assertEqual((done.returncode, done.stderr), (0, ""))


class Completion(LabCase):
    """Each shell itself reads its script and is asked what it would offer at the end of a command line."""

    def offered(self, shell, ask, words, before=""):
        program = shutil.which(shell)
        self.assertIsNotNone(program, f"{shell} is not installed: labw setup --with test")
        script = before + self.lab("completion", shell).out + ask
        environment = {**self.environment, "PATH": f"{os.path.dirname(lab_program())}:{os.environ['PATH']}"}
        done = subprocess.run([program, "-c", script, *words], capture_output=True, text=True, env=environment, cwd=self.work)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split("\n")[:-1]

    def bash(self, *words):
        return self.offered("bash", """
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
            _lab lab "${!#}"
            ((${#COMPREPLY[@]} == 0)) || printf '%s\\n' "${COMPREPLY[@]}\"""", ["bash", *words])

    def zsh(self, *words):
        # The completion system itself needs a terminal; these are what the script calls of it.
        system = """
            compdef() { [[ $* == "_lab lab" ]]; }
            _describe() { print -l -- ${(P)${@[-1]}}; }
            _files() { print -l -- *(N); }
            """
        return self.offered("zsh", """
            words=("$@") CURRENT=$#
            _lab""", ["zsh", *words], system)

    def fish(self, *words):
        return self.offered("fish", "complete -C (string join ' ' -- $argv)", words)

    def test_bash_offers_every_verb_and_every_option(self):
        known = verbs_and_options(self)
        self.assertLessEqual(set(known), set(self.bash("lab", "")))
        for verb, options in known.items():
            self.assertLessEqual(options, set(self.bash("lab", verb, "--")), verb)

    def test_bash_offers_what_an_option_and_a_verb_take(self):
        self.assertEqual(self.bash("lab", "run", "--quick", "pool-l"), ["pool-limit"])
        self.assertEqual(self.bash("lab", "run", "gil", "--engine", ""), ["native", "fastapi", "node", "recorded", "model"])
        self.assertEqual(self.bash("lab", "run", "gil", "--engine", "native,f"), ["native,fastapi"])
        self.assertIn("workers-4", self.bash("lab", "run", "blocking-async", "--arms", ""))
        self.assertEqual(self.bash("lab", "export", "blocking-async", "--arm", "off"), ["offload"])
        self.assertEqual(self.bash("lab", "explain", "LAB101"), ["LAB101"])
        self.assertIn("async-loop", self.bash("lab", "serve", "a"))
        self.assertEqual(self.bash("lab", "predict", "gil", "--delay", ""), [])
        (self.work / "own.toml").write_text("")
        self.assertEqual(self.bash("lab", "run", "ow"), ["own.toml"])
        self.assertEqual(self.bash("lab", "report", ""), ["last", "own.toml"])

    def test_zsh_offers_the_same_with_help(self):
        self.assertIn("run:", "\n".join(self.zsh("lab", "r")))
        self.assertTrue(any(line.startswith("--quick:one repetition") for line in self.zsh("lab", "run", "--q")))
        self.assertEqual(self.zsh("lab", "run", "gil", "--format", "j"), ["json:"])
        (self.work / "own.toml").write_text("")
        self.assertIn("own.toml", self.zsh("lab", "run", "ow"))

    def test_fish_offers_the_same_with_help(self):
        self.assertIn("--quick\tone repetition", self.fish("lab", "run", "--q"))
        self.assertEqual([line.split("\t")[0] for line in self.fish("lab", "run", "gil", "--format", "j")], ["json"])
        self.assertEqual([line.split("\t")[0] for line in self.fish("lab", "run", "pool-l")], ["pool-limit"])
        (self.work / "own.toml").write_text("")
        self.assertIn("own.toml", [line.split("\t")[0] for line in self.fish("lab", "run", "ow")])

    def test_an_unknown_shell_gets_the_nearest_word(self):
        self.assert_one_line_reason(self.lab("completion", "bsh", code=None), 2, "'bash'")


if __name__ == "__main__":
    unittest.main()
