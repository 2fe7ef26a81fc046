"""What `lab load --other-tools` says that others would have printed, held against the others themselves."""
import os
import re
import shutil
import signal
import subprocess
import threading
import time
import unittest

from labcase import PATIENCE, alone, descendants, figures, measured
from loadcase import LoadCase

SECONDS, FROZEN = 4, 0.8
UNITS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}


@unittest.skipUnless(shutil.which("wrk"), "wrk is not installed")
@unittest.skipIf(PATIENCE > 1, "wrk is not slowed down by a sanitizer")
class Wrk(LoadCase):
    def freeze(self, pid):
        """Stops the server in the middle of the load, for FROZEN seconds."""
        def stop():
            time.sleep(SECONDS / 2)
            for number in (signal.SIGSTOP, signal.SIGCONT):
                for worker in descendants(pid):
                    os.kill(worker, number)
                time.sleep(FROZEN if number == signal.SIGSTOP else 0)
        thread = threading.Thread(target=stop)
        thread.start()
        return thread

    @alone
    @measured
    def test_wrk_prints_what_the_lab_says_that_it_would_of_a_server_that_froze(self):
        port, pid = self.serve()
        url = f"http://127.0.0.1:{port}/ping"
        frozen = self.freeze(pid)
        wrk = subprocess.run(["wrk", "-t1", "-c10", f"-d{SECONDS}s", "--latency", url], capture_output=True, text=True,
                             timeout=60)
        frozen.join()
        frozen = self.freeze(pid)
        line, = (line for line in self.lab("load", url, "-c", "10", "--duration", f"{SECONDS}s", "--other-tools").out
                 .splitlines() if line.startswith("wrk "))
        frozen.join()
        os.kill(pid, signal.SIGTERM)
        printed = {int(percent): float(value) * UNITS[unit]
                   for percent, value, unit in re.findall(r"^ +(\d\d)% +([\d.]+)(us|ms|s)$", wrk.stdout, re.M)}
        told = {int(percent): float(value) * UNITS[unit]
                for percent, value, unit in re.findall(r"p(\d\d) ([\d.]+) (us|µs|ms|s)", line)}
        # A fifth of the time nothing is answered: of what wrk then holds to be missing the last 95 % are 1 % of all.
        with figures():
            self.assertAlmostEqual(printed[99], 0.95 * FROZEN, delta=0.1 * FROZEN, msg=wrk.stdout)
            for percent in (90, 99):
                self.assertAlmostEqual(told[percent], printed[percent], delta=0.1 * FROZEN, msg=f"{line}\n{wrk.stdout}")


if __name__ == "__main__":
    unittest.main()
