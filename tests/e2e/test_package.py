"""What is installed: the program finds its own, and the manual and the completions know every verb and option."""
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path

from labcase import BINARY, PATIENCE, ROOT, LabCase, lab_program

BUILD = BINARY.parent.parent


def verbs_and_options(case):
    """From --help, as people read it: {verb: {--option, …}}."""
    verbs = re.findall(r"^  ([a-z]+) ", case.lab("--help").out.partition("Subcommands:")[2], re.M)
    case.assertGreater(len(verbs), 12)
    return {verb: set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", re.sub("'.*?'", "", re.split(r"\nExample", case.lab(verb, "--help").out)[0])))
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
                         "share/fish/vendor_completions.d/lab.fish", "include/lab/inside/loop_watch.hpp"} <= names, names)
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

    @unittest.skipUnless(shutil.which("man"), "no man (man-db)")
    def test_man_reads_the_manual_without_a_warning(self):
        page = self.install() / "share/man/man1/lab.1"
        done = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True,
                              env={**self.environment, "MANWIDTH": "80"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assert_fits(done.stdout, 80)


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
            _lab "$1" "${!#}"
            ((${#COMPREPLY[@]} == 0)) || printf '%s\\n' "${COMPREPLY[@]}\"""", ["bash", *words])

    def zsh(self, *words):
        # The completion system itself needs a terminal; these are what the script calls of it.
        system = """
            compdef() { [[ $* == "_lab lab labw" ]]; }
            _describe() { print -l -- ${(P)3}; }
            _files() { print -l -- *(N); }
            """
        return self.offered("zsh", """
            words=("$@") CURRENT=$#
            _lab""", ["zsh", *words], system)

    def fish(self, *words):
        return self.offered("fish", "complete -C (string join ' ' -- $argv)", words)

    def words(self, *line):
        """What the program answers to the scripts."""
        lines = self.lab("completion", "words", "--", *line, within=10).out.split("\n")[:-1]
        return [line.split("\t")[0] for line in lines]

    def typed(self, shell, keys):
        """What the program gets as arguments when its line is typed on a terminal, with TABs."""
        program, said, shown = self.folder / "bin/lab", self.folder / "said", b""
        program.parent.mkdir(exist_ok=True)
        said.unlink(missing_ok=True)
        program.write_text(f'#!/bin/sh\n[ "$1" != completion ] || exec {lab_program()} "$@"\n'
                           f'printf "%s\\n" "$@" > {said}.new\nmv {said}.new {said}\n')
        program.chmod(0o755)
        (self.folder / "script").write_text(self.lab("completion", shell).out)
        (self.folder / ".bashrc").write_text("source ~/script\nPS1='ready> '\n")
        (self.folder / ".zshrc").write_text("autoload -U compinit; compinit -u -D\nsource ~/script\nPS1='ready> '\n")
        environment = {**self.environment, "TERM": "dumb", "PATH": f"{program.parent}:{os.environ['PATH']}"}
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.work)
            os.execvpe(shell, [shell, "-i"], environment)
        end = time.monotonic() + 20 * PATIENCE
        try:
            while not said.exists() and time.monotonic() < end:
                if select.select([terminal], [], [], 0.02)[0]:
                    shown += os.read(terminal, 65536)
                if keys and b"ready> " in shown:
                    os.write(terminal, f"{keys}\n".encode())
                    keys = ""
        finally:
            os.kill(pid, signal.SIGKILL)
            os.close(terminal)
            os.waitpid(pid, 0)
        self.assertTrue(said.exists(), shown.decode("utf-8", "replace"))
        return said.read_text().split("\n")[:-1]

    def own_scenarios(self):
        """One below a folder whose name has a blank, one in the home folder."""
        (self.work / "comp d").mkdir()
        for path in (self.work / "comp d/my.toml", self.folder / "own.toml"):
            shutil.copy(ROOT / "scenarios/gil.toml", path)

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
        self.assertEqual(self.bash("lab", "report", ""), ["last", "own.toml"])

    def test_zsh_offers_the_same_with_help(self):
        self.assertIn("run:", "\n".join(self.zsh("lab", "r")))
        self.assertTrue(any(line.startswith("--quick:one repetition") for line in self.zsh("lab", "run", "--q")))
        self.assertEqual(self.zsh("lab", "run", "gil", "--format", "j"), ["json"])
        (self.work / "own.toml").write_text("")
        self.assertIn("own.toml", self.zsh("lab", "run", "ow"))

    def test_fish_offers_the_same_with_help(self):
        self.assertIn("--quick\tone repetition of every arm", self.fish("lab", "run", "--q"))
        self.assertEqual([line.split("\t")[0] for line in self.fish("lab", "run", "gil", "--format", "j")], ["json"])
        self.assertEqual([line.split("\t")[0] for line in self.fish("lab", "run", "pool-l")], ["pool-limit"])
        (self.work / "own.toml").write_text("")
        self.assertIn("own.toml", [line.split("\t")[0] for line in self.fish("lab", "run", "ow")])

    def test_bash_and_zsh_complete_what_is_quoted_or_begins_at_home(self):
        self.own_scenarios()
        for shell in ("bash", "zsh"):
            for keys, arguments in (
                    ('lab run "pool-l\t', ["run", "pool-limit"]),
                    ("lab run comp\\ d/m\t", ["run", "comp d/my.toml"]),
                    ('lab run "comp d/m\t', ["run", "comp d/my.toml"]),
                    ("lab run ~/ow\t", ["run", f"{self.folder}/own.toml"]),
                    ('lab run "comp d/my.toml" --arms thr\t', ["run", "comp d/my.toml", "--arms", "threads"]),
                    ("lab run comp\\ d/my.toml --arms thr\t", ["run", "comp d/my.toml", "--arms", "threads"]),
                    ("lab run ~/own.toml --arms thr\t", ["run", f"{self.folder}/own.toml", "--arms", "threads"]),
                    ('lab run "$HOME/own.toml" --arms thr\t', ["run", f"{self.folder}/own.toml", "--arms", "threads"]),
                    ("~/bin/lab hist\t", ["history"])):
                with self.subTest(shell=shell, keys=keys):
                    self.assertEqual(self.typed(shell, keys), arguments)

    def test_bash_and_zsh_complete_what_follows_a_sign_of_equality(self):
        (self.work / "folder").mkdir()
        for shell in ("bash", "zsh"):
            for keys, arguments in (
                    ("lab run gil --format=js\t", ["--format=json"]),
                    ("lab run gil --save=fol\t", ["--save=folder/"]),
                    ("lab run blocking-async --guess asy\t1s", ["--guess", "async-loop=1s"]),
                    ("lab run blocking-async --guess=asy\t1s", ["--guess=async-loop=1s"]),
                    ("lab run blocking-async --guess async-loop=\t1s", ["--guess", "async-loop=1s"]),
                    ("lab run blocking-async --set d=\t1s", ["--set", "d=1s"])):
                with self.subTest(shell=shell, keys=keys):
                    said = [word.removesuffix("/") for word in self.typed(shell, keys)[2:]]
                    self.assertEqual(said, [word.removesuffix("/") for word in arguments])

    def test_labw_is_completed_by_the_program_that_it_built_and_never_builds(self):
        (self.work / "build/release/bin").mkdir(parents=True)
        labw = self.work / "labw"
        labw.write_text(f"#!/bin/sh\ntouch {self.folder}/built\n")
        labw.chmod(0o755)
        self.assertEqual(self.bash("./labw", "hist"), [])
        self.assertEqual(self.fish("./labw", "hist"), [])
        (self.work / "build/release/bin/lab").symlink_to(lab_program())
        self.assertEqual(self.bash("./labw", "hist"), ["history"])
        self.assertIn("history", "\n".join(self.zsh("./labw", "hist")))
        self.assertEqual([line.split("\t")[0] for line in self.fish("./labw", "hist")], ["history"])
        self.assertFalse((self.folder / "built").exists())

    def test_fish_offers_files_wherever_they_are_and_however_they_are_quoted(self):
        self.own_scenarios()
        for line, offered in (("lab run comp\\ d/m", "comp d/my.toml"), ('lab run "comp d/m', "comp d/my.toml"),
                              ("lab run gil --save=comp", "--save=comp d/"), ("lab run ~/ow", "~/own.toml"),
                              ("lab run $HOME/ow", "$HOME/own.toml"), ("lab run ~/own.toml --arms work", "workers-4"),
                              ('lab run "pool-l', "pool-limit"),
                              ("lab run blocking-async --guess asy", "async-loop=")):
            with self.subTest(line=line):
                self.assertEqual([found.split("\t")[0] for found in self.fish(line)], [offered])
        self.assertEqual(self.fish("lab run gil --delay "), [])

    def test_documents_questions_and_runs_are_offered(self):
        self.assertEqual(self.words("verify", "--document", "D")[:2], ["D0", "D1"])
        self.assertEqual(self.words("quiz", "--document", "D2"), ["D2"])
        self.assertIn("d2-log", self.words("quiz", "--only", "d2"))
        self.assertIn("d2-log,gil-1", self.words("quiz", "--only", "d2-log,gil"))
        self.assertEqual(self.words("grade", "--student", ""), [])
        self.assertEqual(self.words("run", "blocking-async", "--set", ""), ["d=", ":nospace"])
        self.assertEqual(self.words("report", ""), ["last", ":files"])
        self.lab("run", "forgotten-await", "--quick", "--quiet")
        name = next(self.runs.iterdir()).name
        self.assertEqual(self.words("report", ""), ["last", "forgotten-await", ":files"])
        self.assertEqual(self.words("report", name[:4]), [name, ":files"])
        arms = self.words("run", "forgotten-await", "--arms", "")
        self.assertEqual(self.words("compare", "last", "--arm", ""), arms)
        self.assertEqual(self.words("compare", name, "--arm", ""), arms)

    def test_a_pipe_on_the_line_is_not_waited_for(self):
        os.mkfifo(self.work / "f.toml")
        self.assertEqual(self.words("run", "f.toml", "--arms", "x"), [])

    def test_a_missing_shell_is_named_with_those_that_there_are(self):
        self.assert_one_line_reason(self.lab("completion", code=None), 2, "SHELL", "bash, zsh or fish")

    def test_an_unknown_shell_gets_the_nearest_word(self):
        self.assert_one_line_reason(self.lab("completion", "bsh", code=None), 2, "'bash'")


class Missing(LabCase):
    def test_of_two_names_the_one_that_is_installed_counts_though_dpkg_knows_the_other(self):
        tools = self.work / "bin"
        tools.mkdir()
        # As on Ubuntu, where libboost1.83-dev names libboost1.81-dev as what it conflicts with.
        (tools / "dpkg-query").write_text("""#!/bin/sh
shift
format=$1; shift
for name; do
  case $name in libboost*1.81*) status=not-installed ;; *) status=installed ;; esac
  case $format in *Package*) echo "$status $name" ;; *) printf %s "$status" ;; esac
done
""")
        (tools / "apt-cache").write_text("#!/bin/sh\n")
        for tool in tools.iterdir():
            tool.chmod(0o755)
        done = subprocess.run(["bash", "-c", f"root={ROOT}; source $root/cmake/packages.sh; missing_packages build"], text=True,
                              capture_output=True, env={**self.environment, "PATH": f"{tools}:{self.environment['PATH']}"})
        self.assertEqual((done.stdout, done.stderr), ("", ""))


if __name__ == "__main__":
    unittest.main()
