#include "lab/report/diagnose.hpp"

#include <algorithm>

#include "harness/client/connection_plan.hpp"
#include "harness/client/epoll_transport.hpp"
#include "harness/client/load_address.hpp"
#include "harness/diagnosis/local_server.hpp"
#include "harness/diagnosis/socket_subject.hpp"
#include "lab/core/duration.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/experiment.hpp"
#include "lab/experiment/interrupt.hpp"

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
  SocketSubject subject({options.request, options.ping_request, options.to_head, false}, clock, **transport,
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

}  // namespace

int diagnose(const DiagnoseOptions& options) {
  std::optional<LocalServer> local;
  const Observations seen = ask(options, local);
  if (seen.alone.empty() && !seen.interrupted) throw Failure(failed_alone(options, seen));
  const Diagnosis verdict = conclude(seen);
  DiagnosisReport report = tell_diagnosis(options, seen, verdict);
  if (local) report.pid = local->pid();
  print(options.output.format == Format::json ? to_json(report) : to_text(report, options.output.style));
  if (seen.interrupted) return interrupt_exit_code();
  if (!options.check || verdict.loop_blocked == false) return 0;
  if (!verdict.loop_blocked) throw Failure(cannot_check(options, seen, verdict));
  return static_cast<int>(ErrorKind::check_failed);
}

}  // namespace lab
