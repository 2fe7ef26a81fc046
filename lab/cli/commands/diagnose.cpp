#include <algorithm>
#include <optional>
#include <utility>

#include "harness/client/epoll_transport.hpp"
#include "harness/client/load_address.hpp"
#include "harness/client/tls_transport.hpp"
#include "harness/diagnosis/examination.hpp"
#include "harness/diagnosis/local_server.hpp"
#include "harness/diagnosis/socket_target.hpp"
#include "lab/cli/command.hpp"
#include "lab/cli/load_options.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/interrupt.hpp"
#include "lab/core/process.hpp"
#include "lab/core/terminal.hpp"
#include "results/report/diagnosis.hpp"

namespace lab {

namespace {

/// What `lab diagnose` is asked for.
struct DiagnoseOptions {
  Url url;
  std::string ping_text;
  RequestMessage message;
  std::optional<int> most;
  bool check = false, own_server = false, insecure = false;
  std::string ca_file;
  ExaminationOptions examination;
  OutputOptions output;
  std::optional<Url> ping;  ///< what `ping_text` means
};

Address address_of(const DiagnoseOptions& options) {
  const std::vector<Address> addresses = resolve(options.url).value();
  constexpr int kPatienceMs = 3000;
  const bool near =
      std::ranges::all_of(addresses, [](const Address& address) { return address.is_private(); });
  refuse_if(
      !options.own_server && !near,
      "{} is neither this machine nor in a private network, and bursts of requests look like an attack; add "
      "--i-own-this-server if it is yours",
      options.url.host);
  return first_that_answers(addresses, kPatienceMs);
}

/// Nothing can be said about a request that fails when it is alone.
Error failed_alone(const DiagnoseOptions& options, const Observations& seen) {
  const Url& url = options.url;
  const std::string kind = seen.failures.empty() ? "timeout" : seen.failures.begin()->first;
  if (kind == "refused") {
    return environment_error("nothing listens at {}; start the server first",
                             url.socket.empty() ? url.authority() : url.socket);
  }
  if (kind == "timeout") {
    return environment_error(
        "{}: no reply within {}; give a larger --timeout and --budget", url.text,
        format_duration(std::min(options.examination.timeout, options.examination.budget)));
  }
  if (kind.starts_with("status_")) {
    return environment_error("{} answered with status {}; only successful replies show how it executes",
                             url.text, kind.substr(7));
  }
  return environment_error("{}: the only request failed: {}", url.text, kind);
}

/// Why `--check` could not decide whether a loop is blocked.
Error cannot_check(const DiagnoseOptions& options, const DiagnosisReport& report) {
  const std::string& failure = report.seen.ping_failure;
  if (!failure.empty()) {
    const bool status = failure.starts_with("status_");
    return environment_error("--ping {} {}; name a cheap route that succeeds", options.ping->target,
                             status ? "answered with status " + failure.substr(7) : "failed: " + failure);
  }
  const std::string& reason = report.verdict.reason;
  return environment_error("--check cannot decide whether a loop is blocked: {}",
                           reason.empty()
                               ? "no --ping was answered while slow requests were under way; give a "
                                 "larger --budget"
                               : reason);
}

Observations ask(const DiagnoseOptions& options, std::optional<LocalServer>& local) {
  const Address address = address_of(options);
  const ExaminationOptions& examination = options.examination;
  constexpr int kPings = 32, kStream = 300;  // beside a burst; in an even stream, if none is answered
  constexpr std::uint64_t kOthers = 32;
  const auto files =
      kOthers + static_cast<std::uint64_t>(
                    std::max(examination.most_at_once * (examination.look_beyond ? 2 : 1) + kPings, kStream));
  if (const auto limit = raise_descriptor_limit({files, files}); !limit)
    throw Failure(environment_error("{} (--max-concurrency)", limit.error().message));
  local = LocalServer::find(address, options.url.port);
  const Url& url = options.url;
  const auto sockets = EpollTransport::create({address}, interrupt_fd()).value();
  const auto context =
      TlsContext::create({url.tls}, {url.origin()}, options.ca_file, !options.insecure).value();
  TlsTransport transport(*sockets, *context);
  const PunctualTimers punctual;
  MonotonicClock clock;
  const RequestMessage ping{.headers = options.message.headers};
  SocketTarget subject({options.message.bytes(options.url), options.ping ? ping.bytes(*options.ping) : "",
                        options.message.method == "HEAD", false},
                       clock, transport,
                       [&]() { return local ? std::optional(local->cpu_time()) : std::nullopt; });
  Observations seen = examine(subject, examination, [&](const Outlook& outlook) {
    if (!options.output.quiet) print_error("{}", announce(outlook));
  });
  if (seen.alone.empty() && !context->problem().empty()) {
    throw Failure(environment_error("{}: no TLS connection ({}); give --cacert FILE, or --insecure",
                                    url.origin(), context->problem()));
  }
  if (local) {
    seen.processes = local->processes();
    seen.cores = available_cores();
    seen.runtime = local->runtime();
  }
  return seen;
}

/// `--ping` may be a path of the same server.
Url ping_url(const std::string& text, const Url& url) {
  Url ping = about("--ping", parse_url(text.starts_with("/") ? url.origin() + text : text)).value();
  refuse_if(ping.origin() != url.origin(),
            "--ping '{}' is another server; name a cheap route of {}, as /health", text, url.origin());
  return ping;
}

/// What the options mean together.
void settle(DiagnoseOptions& options) {
  refuse_if(options.check && options.ping_text.empty(),
            "--check needs --ping URL: only a cheap route beside the slow one shows a blocked loop");
  refuse_if(options.insecure && !options.ca_file.empty(),
            "--cacert and --insecure exclude each other; give one");
  ExaminationOptions& examination = options.examination;
  examination.ping = !options.ping_text.empty();
  if (examination.ping) options.ping = ping_url(options.ping_text, options.url);
  examination.look_beyond = !options.most;
  examination.most_at_once = options.most.value_or(examination.most_at_once);
}

/// Asks the server and prints the verdict. Returns the exit code: 1 where `check` found a blocked loop, 130
/// or 143 after an interruption. Throws Failure (exit 3) where the request fails even when it is alone, and
/// where `check` could not say.
int diagnose(DiagnoseOptions& options) {
  settle(options);
  std::optional<LocalServer> local;
  Observations seen = ask(options, local);
  if (seen.alone.empty() && !seen.interrupted) throw Failure(failed_alone(options, seen));
  const std::string ping = options.ping ? options.ping->origin() + options.ping->target : "";
  DiagnosisReport report = make_diagnosis_report(options.url.text, ping, std::move(seen));
  if (local) report.pid = local->pid();
  print(options.output.format == Format::json ? to_json(report) : to_text(report, options.output.style));
  if (report.seen.interrupted) return interrupt_exit_code();
  if (!options.check || report.verdict.loop_blocked == false) return 0;
  if (!report.verdict.loop_blocked) throw Failure(cannot_check(options, report));
  return static_cast<int>(ErrorKind::check_failed);
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

}  // namespace

Command diagnose_command() {
  Command command("diagnose",
                  "find out from outside how a server executes: serial, a pool of k, k workers, concurrent",
                  "Example: lab diagnose http://127.0.0.1:8000/report --ping /health\n"
                  "The request is sent several hundred times: choose a route that you may call so often.");
  DiagnoseOptions& options = command.runs<DiagnoseOptions>(diagnose);
  ExaminationOptions& examination = options.examination;
  options.message.names_content = false;
  command
      .each("url", "URL", "the slow route; unix:/run/app.sock:/report is one behind a Unix socket",
            [&options](const std::string& text) { options.url = parse_url(text).value(); })
      .required();
  command.text("--ping", "URL", options.ping_text,
               "a cheap route of the same server, called while the slow one is");
  RequestMessage& message = options.message;
  command
      .each("--method", "METHOD", "method of the slow route",
            [&message](const std::string& text) { message.set_method(text); })
      .shows("GET");
  command
      .each("--header", "FIELD", "a header field, such as 'Accept: text/html'; may be repeated",
            [&message](const std::string& text) { message.add_header(text); })
      .one_each();
  command.each("--body", "TEXT|@FILE", "body of the slow route's request",
               [&message](const std::string& text) { message.read_body(text); });
  command.read("--timeout", "DURATION", examination.timeout, read_span, "time for one request").shows("10s");
  command.count("--max-concurrency", "N", options.most, 4, 1024,
                "most requests at once (64, and once 128 if 64 show no limit)");
  command.read("--budget", "DURATION", examination.budget, read_span, "time for the whole diagnosis")
      .shows("20s");
  command.read(
      "--watch", "DURATION", examination.watch, read_watch,
      "then send at a constant rate for this time, to --ping if given: finds pauses that come now and then");
  command.count("--seed", "S", examination.seed, 0, INT64_MAX, "random seed that pairs the connections")
      .shows("42");
  command.text("--cacert", "FILE", options.ca_file, "trust these certificates instead of the system's");
  command.flag("--insecure", options.insecure, "trust any certificate");
  command.flag("--check", options.check, "exit 1 if a loop is blocked, 3 if that is not known; needs --ping");
  command.flag("--quiet", options.output.quiet, "do not announce what is sent");
  command.flag("--i-own-this-server", options.own_server,
               "allow addresses beyond this machine and private networks");
  add_text_or_json(command, options.output);
  return command;
}

}  // namespace lab
