#include <filesystem>

#include "lab/cli/command.hpp"
#include "lab/core/terminal.hpp"
#include "lab/page/files.hpp"
#include "lab/servers/mode.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

struct DemoOptions : PageServerOptions {
  std::string place;  ///< a folder or a file; empty: the page is served
  bool single_file = false, force = false;
};

int demo(const DemoOptions& options) {
  refuse_if(options.single_file && options.place.empty(),
            "--single-file goes with --export, as: lab demo --export page.html --single-file");
  refuse_if(!options.place.empty() && (options.open || options.with_class || options.port != 0),
            "--export writes the page and serves nothing; leave --port, --open and --class out");
  refuse_if(is_scenario_path(options.scenario), "--scenario: the page takes a name of lab list, not a path");
  const Scenario scenario = load_scenario(options.scenario, known_modes()).value();
  if (options.place.empty()) return serve_page(options);
  const std::filesystem::path page = options.single_file ? options.place : options.place + "/index.html";
  std::error_code ignored;
  refuse_if(!options.force && std::filesystem::exists(page, ignored),
            "--export: {} exists already; give another name, or --force", page.string());
  if (options.single_file) {
    export_single_page(options.place, scenario.name);
  } else {
    export_page(options.place, scenario.name);
  }
  print_error("written: {}\n", page.string());
  return 0;
}

}  // namespace

Command demo_command() {
  Command command(
      "demo", "the classroom page: predict, then watch the requests of real servers",
      "Example: lab demo --scenario pool-limit --open\n"
      "lab demo --export site writes the page for any browser, with the model instead of servers.");
  DemoOptions& options = command.runs<DemoOptions>(demo);
  options.scenario = "blocking-async";
  command.text("--scenario", "SCENARIO", options.scenario, "the one to begin with").shows("blocking-async");
  command.count("--port", "PORT", options.port, 0, 65535, "the page's port; 0: the kernel chooses one")
      .shows("0");
  command.flag("--open", options.open, "open it in the browser of this desktop");
  command.flag("--class", options.with_class,
               "students on the network vote with their phones: shows them an address and its QR code");
  command.text("--export", "DIR", options.place,
               "write the page as static files that run the model in any browser");
  command.flag("--force", options.force, "with --export: write over what is there");
  command.flag("--single-file", options.single_file, "with --export: one HTML file of that name");
  return command;
}

}  // namespace lab
