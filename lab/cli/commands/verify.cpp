#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/options.hpp"
#include "lab/core/duration.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/interrupt.hpp"
#include "lab/report/verify.hpp"
#include "lab/report/verify_spell.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

struct RawVerifyOptions {
  std::vector<std::string> documents, claims;
  std::string scale = "0.1", repeat = "3", seed = "42", file, python;
  bool list = false, page = false, save = false;
  RawOutputOptions output;
};

constexpr int kMostRepetitions = 100;

Error unknown_name(const char* option, const std::string& word, const std::vector<std::string>& known) {
  return usage_error("{}: unknown {} '{}'{}; lab verify --list shows all", option,
                     std::string(option).substr(2), word, suggestion(word, known));
}

/// The claims that the options name, all of them where they name none; in the order of the file.
std::vector<const Claim*> chosen(const ClaimsFile& file, const RawVerifyOptions& raw) {
  std::vector<std::string> documents;
  std::vector<std::string> ids;
  for (const auto& [document, title] : file.documents) documents.push_back(document);
  for (const Claim& claim : file.claims) ids.push_back(claim.id);
  for (const std::string& document : raw.documents) {
    if (!contains(documents, document)) throw Failure(unknown_name("--document", document, documents));
  }
  for (const std::string& id : raw.claims) {
    if (!contains(ids, id)) throw Failure(unknown_name("--claim", id, ids));
  }
  std::vector<const Claim*> claims;
  for (const Claim& claim : file.claims) {
    const bool of_document = raw.documents.empty() || contains(raw.documents, claim.document);
    if (of_document && (raw.claims.empty() || contains(raw.claims, claim.id))) claims.push_back(&claim);
  }
  if (claims.empty()) throw Failure(usage_error("no claim is both of --document and named by --claim"));
  return claims;
}

VerifyOptions check_options(const RawVerifyOptions& raw) {
  RawRunOptions run;
  run.scale = raw.scale;
  run.seed = raw.seed;
  const RunOptions checked = check_run_options(run).value();
  VerifyOptions options;
  options.scale = checked.overrides.scale;
  options.seed = checked.experiment.seed;
  options.repetitions = static_cast<int>(parse_count("--repeat", raw.repeat, 3, kMostRepetitions).value());
  options.save = raw.save;
  if (!raw.python.empty()) options.python = raw.python;
  return options;
}

VerifyObserver observer_for(const OutputOptions& output) {
  VerifyObserver observer;
  observer.warned = [](const std::string& text) { print_warning(text); };
  if (output.quiet) return observer;
  observer.started = [](const VerifyBatch& batch, std::size_t number, std::size_t batches, bool again,
                        Nanos estimate) {
    print_error("{} {} of {}: {} ({}), about {}\n", again ? "once more," : "run", number, batches,
                batch.scenario, batch.engine, format_estimate(estimate));
  };
  observer.saved = [](const std::string& path) { print_error("saved {}\n", path); };
  return observer;
}

int exit_code_of(const VerifyResult& result) {
  if (result.interrupted) return interrupt_exit_code();
  if (!result.differing().empty()) return static_cast<int>(ErrorKind::check_failed);
  const bool nothing = result.undecided().size() == result.claims.size();
  return nothing ? static_cast<int>(ErrorKind::environment) : 0;
}

int verify_claims(const RawVerifyOptions& raw) {
  const OutputOptions output = check_output_options(raw.output).value();
  const VerifyOptions options = check_options(raw);
  std::optional<std::filesystem::path> path;
  if (!raw.file.empty()) path = raw.file;
  ClaimsFile file = load_claims(path).value();
  const std::vector<const Claim*> claims = chosen(file, raw);
  settle_claims(file, known_modes()).value();
  if (raw.page) {
    print(claims_page(file));
    return 0;
  }
  if (raw.list) {
    print(output.format == Format::json ? list_json(claims) : list_text(file, claims, output.style));
    return 0;
  }
  const VerifyResult result = verify(file, claims, options, observer_for(output));
  print(output.format == Format::json ? verify_json(result)
                                      : verify_text(file, result, output.style, !raw.claims.empty()));
  return exit_code_of(result);
}

}  // namespace

void add_verify(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("verify", "run what the documents claim, and say what holds");
  verb->footer("Example: lab verify --document D2");
  auto raw = std::make_shared<RawVerifyOptions>();
  add_texts(*verb, "--document", raw->documents, "only claims of this document, as D2")
      ->delimiter(',')
      ->type_name("D");
  add_texts(*verb, "--claim", raw->claims, "only this claim, with the reason and the command that shows it")
      ->delimiter(',')
      ->type_name("CLAIM");
  add_text(*verb, "--scale", raw->scale, "multiplies waits, work and periods where the claims bear it")
      ->capture_default_str()
      ->type_name("F");
  add_text(*verb, "--repeat", raw->repeat, "repetitions of every arm, at least 3")
      ->capture_default_str()
      ->type_name("K");
  add_text(*verb, "--seed", raw->seed, "of arrivals, dealing and the order of arms")
      ->capture_default_str()
      ->type_name("S");
  add_text(*verb, "--file", raw->file, "other claims than results/claims.toml")->type_name("FILE");
  add_text(*verb, "--python", raw->python, "the interpreter that has FastAPI (/usr/bin/python3)")
      ->type_name("PATH");
  verb->add_flag("--list", raw->list, "what would be run and what is expected; runs nothing");
  verb->add_flag("--page", raw->page, "the page results/claims.md; runs nothing");
  verb->add_flag("--save", raw->save, "keep every run, as lab run does");
  add_output_options(*verb, raw->output, {Format::text, Format::json});
  verb->callback([&action, raw] { action = [raw] { return verify_claims(*raw); }; });
}

}  // namespace lab
