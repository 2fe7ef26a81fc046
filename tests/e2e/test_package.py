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
    def words_after(self, *words):
        """What bash offers at the end of that command line."""
        script = self.lab("completion", "bash").out + "\nCOMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1))\n_lab\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n"
        environment = {**self.environment, "PATH": f"{os.path.dirname(lab_program())}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, env=environment,
                              cwd=self.work)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_bash_offers_every_verb_every_option_and_every_scenario(self):
        known = verbs_and_options(self)
        self.assertLessEqual(set(known), set(self.words_after("lab", "")))
        for verb, options in known.items():
            self.assertLessEqual(options, set(self.words_after("lab", verb, "--")), verb)
        self.assertIn("blocking-async", self.words_after("lab", "run", "blo"))
        self.assertEqual(self.words_after("lab", "run", "--quick", "pool-l"), ["pool-limit"])

    def test_zsh_and_fish_know_every_option_too(self):
        zsh, fish = self.lab("completion", "zsh").out, self.lab("completion", "fish").out
        for verb, options in verbs_and_options(self).items():
            section = zsh.partition(f"    {verb})\n")[2].partition(";;")[0]
            for option in options:
                self.assertIn(f"'*{option}'", section, verb)
                self.assertIn(f"complete -c lab -n '__lab_verb_is {verb}' -l {option[2:]} ", fish)
        for shell, script in (("zsh", zsh), ("fish", fish)):
            if shutil.which(shell):
                done = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_an_unknown_shell_gets_the_nearest_word(self):
        self.assert_one_line_reason(self.lab("completion", "bsh", code=None), 2, "'bash'")


if __name__ == "__main__":
    unittest.main()
