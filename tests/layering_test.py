"""The layering check finds each kind of violation in a planted tree, and nothing in a clean one."""
import tempfile
import unittest
from pathlib import Path

from layering import violations

CLEAN = {
    "lab/core/plan.hpp": "#include <vector>\n",
    "lab/servers/supervisor/server.hpp": '#include "lab/core/plan.hpp"\n#include "lab/servers/http/reply.hpp"\n',
    "lab/servers/event_loop/connection.hpp": "#include <boost/asio/awaitable.hpp>\n",
    "lab/servers/http/reply_test.cpp": '#include "lab/servers/supervisor/server.hpp"\n',
    "harness/model/model.hpp": '#include "lab/core/plan.hpp"\n',
    "harness/client/load.cpp": '#include "harness/model/model.hpp"\n#include <boost/asio.hpp>\n',
    "harness/client/testing/script.hpp": '#include "harness/client/load.hpp"\n',
    "scenarios/loader/loader.hpp": '#include "lab/core/plan.hpp"\n',
    "results/report/report.hpp": '#include "lab/core/plan.hpp"\n',
    "lab/cli/commands/run.cpp": '#include "lab/experiment/experiment.hpp"\n#include "results/report/report.hpp"\n',
}
VIOLATIONS = {
    "core includes a module above it": ("lab/core/plan.cpp", '#include "results/report/report.hpp"'),
    "harness includes servers": ("harness/client/load.cpp", '#include "lab/servers/supervisor/server.hpp"'),
    "servers include the model": ("lab/servers/supervisor/server.cpp", '#include "harness/model/model.hpp"'),
    "the model includes the harness": ("harness/model/model.cpp", '#include "harness/client/load.hpp"'),
    "the statistics include the client": ("harness/statistics/median.cpp", '#include "harness/client/load.hpp"'),
    "a request reader includes the supervisor": ("lab/servers/http/reader.cpp", '#include "lab/servers/supervisor/server.hpp"'),
    "results include scenarios": ("results/store/store.cpp", '#include "scenarios/loader/loader.hpp"'),
    "scenarios include results": ("scenarios/loader/loader.cpp", '  #  include "results/report/report.hpp"'),
    "a module includes the program": ("results/store/store.cpp", '#include "lab/experiment/experiment.hpp"'),
    "a module includes a command": ("lab/servers/supervisor/server.cpp", '#include "lab/cli/commands/run.hpp"'),
    "an experiment includes a command": ("lab/experiment/experiment.cpp", '#include "lab/cli/commands/run.hpp"'),
    "a room that nobody knows": ("harness/things/thing.cpp", "#include <vector>"),
    "a source beside the rooms": ("results/store.cpp", "#include <vector>"),
    "CLI11 outside its one file": ("scenarios/loader/loader.cpp", "#include <CLI/CLI.hpp>"),
    "Asio in a header of the harness": ("harness/client/load.hpp", "#include <boost/asio/io_context.hpp>"),
    "Beast in a header of the program": ("lab/experiment/experiment.hpp", "#include <boost/beast.hpp>"),
    "httplib in the servers' interface": ("lab/servers/mode.hpp", "#include <httplib.h>"),
    "a path that hides its module": ("harness/client/load.cpp", '#include "../model/model.hpp"'),
}


class Layering(unittest.TestCase):
    def tree(self, files):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = Path(folder.name)
        for path, text in {**CLEAN, **files}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text + "\n")
        return root

    def test_a_clean_tree_passes(self):
        self.assertEqual(violations(self.tree({})), [])

    def test_every_kind_of_violation_is_found_and_names_its_file(self):
        for name, (path, line) in VIOLATIONS.items():
            with self.subTest(name):
                found = violations(self.tree({path: line}))
                self.assertEqual(len(found), 1, found)
                self.assertTrue(found[0].startswith(path + ":"), found)


if __name__ == "__main__":
    unittest.main()
