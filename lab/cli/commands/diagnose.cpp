#include "lab/report/diagnose.hpp"

#include <CLI/CLI.hpp>
#include <memory>

#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/tagged.hpp"

namespace lab {

void add_diagnose(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand(
      "diagnose", "how does a server execute? Serial, a pool of k, k workers, concurrent; seen from outside");
  verb->footer(
      "Example: lab diagnose http://127.0.0.1:8000/report --ping /health --check\n"
      "The request is sent some hundred times: take a route that may be asked so often.");
  auto options = std::make_shared<RawDiagnoseOptions>();
  add_text(*verb, "url", options->url, "the slow route")->required()->type_name("URL");
  add_text(*verb, "--ping", options->ping, "a cheap route of the same server, asked beside the slow one")
      ->type_name("URL");
  add_text(*verb, "--method", options->method, "of the slow route")
      ->capture_default_str()
      ->type_name("METHOD");
  add_texts(*verb, "--header", options->headers, "a header field, as 'Accept: text/html'; may be repeated")
      ->type_name("FIELD")
      ->allow_extra_args(false);
  add_text(*verb, "--body", options->body, "of the slow route's request")->type_name("TEXT|@FILE");
  add_text(*verb, "--timeout", options->timeout, "of a request")
      ->capture_default_str()
      ->type_name("DURATION");
  add_text(*verb, "--max-concurrency", options->most,
           "at most so many at once (64, and once 128 where nothing limits 64)")
      ->type_name("N");
  add_text(*verb, "--budget", options->budget, "for everything")
      ->capture_default_str()
      ->type_name("DURATION");
  add_text(*verb, "--watch", options->watch,
           "ask evenly for so long afterwards, --ping where it is given: what pauses now and then")
      ->type_name("DURATION");
  add_text(*verb, "--seed", options->seed, "which connections are paired")
      ->capture_default_str()
      ->type_name("S");
  verb->add_flag("--check", options->check, "exit 1: a loop is blocked, 3: not known; needs --ping");
  verb->add_flag("--quiet", options->output.quiet, "do not say what will be sent");
  verb->add_flag("--i-own-this-server", options->own_server,
                 "for addresses beyond this machine and private networks");
  add_text_or_json(*verb, options->output);
  verb->callback([&action, options] {
    action = [options] { return diagnose(check_diagnose_options(*options).value()); };
  });
}

}  // namespace lab
