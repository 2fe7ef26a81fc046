#include "lab/report/diagnose.hpp"

#include <memory>

#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/options.hpp"
#include "lab/report/load_request.hpp"

namespace lab {

namespace {

struct GivenDiagnosis {
  std::string ping;
  std::optional<int> most;
  RequestMessage message;
  DiagnoseOptions options;
};

/// `--ping` may be a path of the same server.
Url ping_url(const std::string& text, const Url& url) {
  auto ping = parse_url(text.starts_with("/") ? url.origin() + text : text);
  if (!ping) throw Failure({ping.error().kind, "--ping: " + ping.error().message});
  if (ping->host != url.host || ping->port != url.port || ping->tls != url.tls)
    throw Failure(usage_error("--ping '{}' is another server; name a cheap route of {}, as /health", text,
                              url.origin()));
  return *ping;
}

Result<Nanos> read_span(const std::string& option, const std::string& text) {
  auto span = parse_span(option, text);
  if (span && *span == 0) return usage_error("{}: 0 is no time; give for example 30s", option);
  return span;
}

Result<Nanos> read_watch(const std::string& option, const std::string& text) {
  auto watch = read_span(option, text);
  if (watch && (*watch < kSecond || *watch > 3600 * kSecond))
    return usage_error("{} '{}': give 1s to 1h", option, text);
  return watch;
}

/// What the options mean together.
const DiagnoseOptions& settle(GivenDiagnosis& given) {
  DiagnoseOptions& options = given.options;
  ExaminationOptions& examination = options.examination;
  if (options.check && given.ping.empty()) {
    throw Failure(
        usage_error("--check needs --ping URL: only a cheap route beside the slow one shows a blocked loop"));
  }
  options.request = given.message.bytes(options.url);
  options.to_head = given.message.method == "HEAD";
  if (!given.ping.empty()) {
    options.ping = ping_url(given.ping, options.url);
    RequestMessage ping{.headers = given.message.headers};
    options.ping_request = ping.bytes(*options.ping);
    examination.ping = true;
  }
  if (given.most) {
    examination.most_at_once = *given.most;
    examination.look_beyond = false;
  }
  return options;
}

}  // namespace

Command diagnose_command() {
  Command command("diagnose",
                  "how does a server execute? Serial, a pool of k, k workers, concurrent; seen from outside",
                  "Example: lab diagnose http://127.0.0.1:8000/report --ping /health --check\n"
                  "The request is sent some hundred times: take a route that may be asked so often.");
  const auto given = std::make_shared<GivenDiagnosis>();
  DiagnoseOptions& options = given->options;
  ExaminationOptions& examination = options.examination;
  given->message.names_content = false;
  const auto each = [&command](const std::string& names, const std::string& value, const std::string& help,
                               const std::function<void(const std::string&)>& take) -> Option& {
    return command.add(names, value, help, [take](const std::vector<std::string>& texts) {
      for (const std::string& text : texts) take(text);
    });
  };
  each("url", "URL", "the slow route", [&options](const std::string& text) {
    options.url = parse_url(text).value();
    if (options.url.tls)
      throw Failure(usage_error("{}: lab diagnose speaks http only; take the server behind TLS", text));
  }).required();
  command.text("--ping", "URL", given->ping, "a cheap route of the same server, asked beside the slow one");
  each("--method", "METHOD", "of the slow route", [given](const std::string& text) {
    given->message.set_method(text).value();
  }).shows("GET");
  each("--header", "FIELD", "a header field, as 'Accept: text/html'; may be repeated",
       [given](const std::string& text) { given->message.add_header(text).value(); })
      .one_each();
  each("--body", "TEXT|@FILE", "of the slow route's request",
       [given](const std::string& text) { given->message.read_body(text).value(); });
  command.read("--timeout", "DURATION", examination.timeout, read_span, "of a request").shows("10s");
  command.count("--max-concurrency", "N", given->most, 4, 1024,
                "at most so many at once (64, and once 128 where nothing limits 64)");
  command.read("--budget", "DURATION", examination.budget, read_span, "for everything").shows("30s");
  command.read("--watch", "DURATION", examination.watch, read_watch,
               "ask evenly for so long afterwards, --ping where it is given: what pauses now and then");
  command.count("--seed", "S", examination.seed, 0, INT64_MAX, "which connections are paired").shows("42");
  command.flag("--check", options.check, "exit 1: a loop is blocked, 3: not known; needs --ping");
  command.flag("--quiet", options.output.quiet, "do not say what will be sent");
  command.flag("--i-own-this-server", options.own_server,
               "for addresses beyond this machine and private networks");
  add_text_or_json(command, options.output);
  command.run = [given] { return diagnose(settle(*given)); };
  return command;
}

}  // namespace lab
