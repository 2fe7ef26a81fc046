#include "lab/cli/diagnose_options.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "harness/client/connection_plan.hpp"
#include "harness/client/epoll_transport.hpp"
#include "harness/client/load_address.hpp"
#include "harness/diagnosis/local_server.hpp"
#include "harness/diagnosis/socket_target.hpp"
#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/options.hpp"
#include "lab/core/duration.hpp"
#include "lab/core/process.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/interrupt.hpp"
#include "lab/experiment/load_request.hpp"
#include "results/report/diagnosis.hpp"

namespace lab {

namespace {

Address address_of(const DiagnoseOptions& options) {
  const std::vector<Address> addresses = resolve(options.url.host, options.url.port).value();
  constexpr int kPatienceMs = 3000;
  if (!options.own_server && !std::all_of(addresses.begin(), addresses.end(),
                                          [](const Address& address) { return address.is_private(); })) {
    throw Failure(
        usage_error("{} is neither this machine nor in a private network; bursts of requests look "
                    "like an attack: add --i-own-this-server if it is yours",
                    options.url.host));
  }
  return first_that_answers(addresses, kPatienceMs);
}

/// A descriptor for each connection and some more; raises the soft limit where that is allowed.
void prepare_files(int connections) {
  constexpr std::uint64_t kOthers = 32;
  const std::uint64_t need = static_cast<std::uint64_t>(connections) + kOthers;
  if (const auto limit = raise_descriptor_limit({need, need}); !limit)
    throw Failure(environment_error("{} (--max-concurrency)", limit.error().message));
}

/// Nothing can be said about a request that fails when it is alone.
Error failed_alone(const DiagnoseOptions& options, const Observations& seen) {
  const std::string& what = options.url.text;
  const std::string kind = seen.failures.empty() ? "timeout" : seen.failures.begin()->first;
  if (kind == "refused")
    return environment_error("nothing listens at {}:{}; start the server first", options.url.host,
                             options.url.port);
  if (kind == "timeout") {
    const Nanos patience = std::min(options.examination.timeout, options.examination.budget);
    return environment_error("{}: no reply within {}; give a larger --timeout and --budget", what,
                             format_duration(patience));
  }
  if (kind.starts_with("status_")) {
    return environment_error("{} answered with status {}; only successful replies show how it executes", what,
                             kind.substr(7));
  }
  return environment_error("{}: the only request failed: {}", what, kind);
}

/// Why `--check` could not tell whether a loop is blocked.
Error cannot_check(const DiagnoseOptions& options, const Observations& seen, const Diagnosis& verdict) {
  const std::string& failure = seen.ping_failure;
  if (failure.starts_with("status_"))
    return environment_error("--ping {} answered with status {}; name a cheap route that succeeds",
                             options.ping->target, failure.substr(7));
  if (!failure.empty())
    return environment_error("--ping {} failed: {}; name a cheap route that succeeds", options.ping->target,
                             failure);
  if (!verdict.reason.empty())
    return environment_error("--check cannot decide whether a loop is blocked: {}", verdict.reason);
  return environment_error(
      "--check cannot decide whether a loop is blocked: no --ping was answered while slow requests were "
      "under "
      "way; give a larger --budget");
}

Observations ask(const DiagnoseOptions& options, std::optional<LocalServer>& local) {
  const Address address = address_of(options);
  const ExaminationOptions& examination = options.examination;
  constexpr int kPings = 32, kStream = 300;  // beside a burst; in an even stream, if none is answered
  prepare_files(std::max(examination.most_at_once * (examination.look_beyond ? 2 : 1) + kPings, kStream));
  local = LocalServer::find(address, options.url.port);
  const auto transport = EpollTransport::create(address.text(), options.url.port, interrupt_fd());
  if (!transport) throw Failure(transport.error());
  const PunctualTimers punctual;
  MonotonicClock clock;
  SocketTarget subject({options.request, options.ping_request, options.to_head, false}, clock, **transport,
                       [&]() { return local ? std::optional(local->cpu_time()) : std::nullopt; });
  Observations seen = examine(subject, examination, [&](const Outlook& outlook) {
    if (!options.output.quiet) print_error("{}", announce(outlook));
  });
  if (local) {
    seen.processes = local->processes();
    seen.cores = available_cores();
    seen.runtime = local->runtime();
  }
  return seen;
}

/// Asks the server and prints the verdict. Returns the exit code: 1 where `check` found a blocked loop, 130
/// or 143 after an interruption. Throws Failure (exit 3) where the request fails even when it is alone, and
/// where `check` could not say.
int diagnose(const DiagnoseOptions& options) {
  std::optional<LocalServer> local;
  Observations seen = ask(options, local);
  if (seen.alone.empty() && !seen.interrupted) throw Failure(failed_alone(options, seen));
  const std::string ping = options.ping ? options.ping->origin() + options.ping->target : "";
  DiagnosisReport report = make_diagnosis_report(options.url.text, ping, std::move(seen));
  if (local) report.pid = local->pid();
  print(options.output.format == Format::json ? to_json(report) : to_text(report, options.output.style));
  if (report.seen.interrupted) return interrupt_exit_code();
  if (!options.check || report.verdict.loop_blocked == false) return 0;
  if (!report.verdict.loop_blocked) throw Failure(cannot_check(options, report.seen, report.verdict));
  return static_cast<int>(ErrorKind::check_failed);
}

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
