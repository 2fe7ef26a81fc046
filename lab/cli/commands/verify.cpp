
#include "lab/cli/verify.hpp"
#include "lab/cli/command.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/interrupt.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/servers/mode.hpp"
#include "results/report/verify_report.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

struct AskedVerification {
  std::vector<std::string> documents, claims;
  std::string file;
  bool list = false, page = false;
  VerifyOptions options;
  OutputOptions output;
};

/// The claims that the options name, all of them where they name none; in the order of the file.
std::vector<const Claim*> chosen(const ClaimsFile& file, const AskedVerification& asked) {
  refuse_unknown("document", asked.documents, ids_of(file.documents));
  refuse_unknown("claim", asked.claims, ids_of(file.claims));
  std::vector<const Claim*> claims;
  for (const Claim& claim : file.claims) {
    const bool of_document = asked.documents.empty() || contains(asked.documents, claim.document);
    if (of_document && (asked.claims.empty() || contains(asked.claims, claim.id))) claims.push_back(&claim);
  }
  refuse_if(claims.empty(), "no claim belongs to this --document and has the name in --claim");
  return claims;
}

int exit_code_of(const VerifyResult& result) {
  if (result.interrupted) return interrupt_exit_code();
  if (!result.differing().empty()) return static_cast<int>(ErrorKind::check_failed);
  const bool nothing = result.undecided().size() == result.claims.size();
  return nothing ? static_cast<int>(ErrorKind::environment) : 0;
}

int verify_claims(const AskedVerification& asked) {
  const OutputOptions& output = asked.output;
  ClaimsFile file = (asked.file.empty() ? load_claims() : load_claims(asked.file)).value();
  const std::vector<const Claim*> claims = chosen(file, asked);
  settle_claims(file, known_modes()).value();
  if (asked.page) {
    print(claims_page(file));
    return 0;
  }
  if (asked.list) {
    refuse_if(output.format != Format::json && output.format != Format::text,
              "--list is printed as text or json; --page is Markdown");
    print(output.format == Format::json ? list_json(claims) : list_text(file, claims, output.style));
    return 0;
  }
  VerifyOptions options = asked.options;
  options.quiet = output.quiet;
  const VerifyResult result = verify(file, claims, options);
  print(output.format == Format::json       ? verify_json(result)
        : output.format == Format::csv      ? verify_csv(result)
        : output.format == Format::markdown ? verify_markdown(result)
                                            : verify_text(file, result, output.style, !asked.claims.empty()));
  return exit_code_of(result);
}

}  // namespace

Command verify_command() {
  Command command("verify", "run what the documents claim, and say what holds",
                  "Example: lab verify --document D2");
  AskedVerification& asked = command.runs<AskedVerification>(verify_claims);
  VerifyOptions& options = asked.options;
  command.texts("--document", "D", asked.documents, "only claims of this document, such as D2").list();
  command
      .texts("--claim", "CLAIM", asked.claims,
             "only this claim, with the reason and the command that shows it")
      .list();
  command
      .number("--scale", "F", options.scale, 1000,
              "multiplies waits, work and periods, if the claims allow it")
      .shows("0.1");
  command.count("--repeat", "K", options.repetitions, 3, 100, "repetitions of every arm, at least 3")
      .shows("3");
  command
      .count("--seed", "S", options.seed, 0, INT64_MAX,
             "random seed of arrivals, connections and the order of arms")
      .shows("42");
  command.text("--file", "FILE", asked.file, "read the claims from this file, not from results/claims.toml");
  command.text("--python", "PATH", options.python, "the Python that has FastAPI (/usr/bin/python3)");
  command.text("--postgres", "URL", options.postgres,
               "decide the claims about database drivers, too: a connection string, or local");
  command.flag("--list", asked.list, "list what would be run and what is expected; runs nothing");
  command.flag("--page", asked.page, "print the page results/claims.md; runs nothing");
  command.flag("--save", options.save, "save every run, as lab run does");
  add_output_options(command, asked.output, {Format::text, Format::json, Format::csv, Format::markdown});
  return command;
}

}  // namespace lab
