#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/client/epoll_transport.hpp"
#include "harness/client/load_address.hpp"
#include "harness/client/tls_transport.hpp"
#include "harness/diagnosis/examination.hpp"
#include "harness/diagnosis/local_server.hpp"
#include "harness/diagnosis/socket_target.hpp"
#include "harness/inside/burst_watch.hpp"
#include "harness/inside/inspection.hpp"
#include "lab/cli/command.hpp"
#include "lab/cli/load_options.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/interrupt.hpp"
#include "lab/core/process.hpp"
#include "lab/core/terminal.hpp"
#include "lab/course/advice.hpp"
#include "lab/experiment/experiment.hpp"
#include "results/report/diagnosis.hpp"
#include "results/report/format.hpp"
#include "results/store/beside_runs.hpp"

namespace lab {

namespace {

/// What `lab diagnose` is asked for.
struct DiagnoseOptions {
  Url url;
  std::string url_text, ping_text;
  Inspection inspection;
  std::string against;  ///< `last`, or a file
  std::optional<KeptDiagnosis> before;
  bool no_save = false;
  RequestMessage message;
  std::optional<int> most;
  bool check = false, own_server = false, insecure = false;
  std::string ca_file;
  ExaminationOptions examination;
  std::vector<Threshold> thresholds;
  OutputOptions output;
  std::optional<Url> ping;             ///< what `ping_text` means
  std::vector<Option> known;           ///< all options,
  std::map<std::string, Texts> given;  ///< and the words that they were given, by title
};

/// What an examination saw from outside, and what was seen inside meanwhile.
struct Seen {
  Observations outside;
  InsideSeen inside;
  std::optional<LocalServer> local;
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
                           !reason.empty() ? reason
                           : options.ping  ? "no --ping was answered while slow requests were under way; "
                                             "give a larger --budget"
                                           : "its loop was not seen from inside; give --ping URL");
}

/// Whether it would have been seen without a ping that a loop is blocked.
bool saw_loop(const DiagnosisReport& report) {
  if (report.verdict.execution == Execution::concurrent) return true;
  if (!report.inside) return false;
  const InsideView& view = report.inside->view;
  return !view.probes.empty() || (!view.loop_calls.empty() && view.loop_calls.front().idle);
}

Seen ask(DiagnoseOptions& options) {
  Seen all;
  std::optional<LocalServer>& local = all.local;
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
  if (!local) local = options.inspection.process();
  const Url& url = options.url;
  const auto sockets = EpollTransport::create({address}, interrupt_fd()).value();
  const auto context = TlsContext::create({url.tls}, {url.host}, options.ca_file, !options.insecure).value();
  TlsTransport transport(*sockets, *context);
  const PunctualTimers punctual;
  MonotonicClock clock;
  const RequestMessage ping{.headers = options.message.headers};
  SocketTarget subject({options.message.bytes(options.url), options.ping ? ping.bytes(*options.ping) : "",
                        options.message.method == "HEAD", false},
                       clock, transport,
                       [&]() { return local ? std::optional(local->cpu_time()) : std::nullopt; });
  BurstWatch watch(subject, options.inspection.roots(local));
  Observations& seen = all.outside;
  seen = examine(watch, examination, [&](const Outlook& outlook) {
    if (!options.output.quiet) print_error("{}", announce(outlook));
  });
  watch.stop();
  all.inside = options.inspection.take(watch, local);
  if (seen.alone.empty() && !context->problem().empty()) {
    throw Failure(environment_error("{}: no TLS connection ({}); give --cacert FILE, or --insecure",
                                    url.origin(), context->problem()));
  }
  if (local) {
    seen.processes = local->processes();
    seen.cores = available_cores();
    seen.runtime = local->runtime();
  }
  return all;
}

/// `--ping` may be a path of the same server.
Url ping_url(const std::string& text, const Url& url) {
  Url ping = about("--ping", parse_url(text.starts_with("/") ? url.origin() + text : text)).value();
  refuse_if(ping.origin() != url.origin(),
            "--ping '{}' is another server; name a cheap route of {}, as /health", text, url.origin());
  return ping;
}

/// What one diagnosis shares with the next one of the same server, whose port may be another one.
std::string target_of(const DiagnoseOptions& options) {
  if (options.inspection.command.empty()) return options.url.text;
  return fmt::format("{} {} in {}", fmt::join(split_command(options.inspection.command).value(), " "),
                     options.url_text, std::filesystem::current_path().string());
}

/// What the options mean together; then the server is started that is to be.
void settle(DiagnoseOptions& options) {
  refuse_if(options.check && options.ping_text.empty() && !options.inspection.is_asked_for(),
            "--check needs --ping URL: only a cheap route beside the slow one shows a blocked loop");
  for (const Threshold& threshold : options.thresholds) {
    refuse_if(threshold.has_prefix && options.ping_text.empty(),
              "--threshold '{}' needs --ping URL: it is about that route", threshold.text);
    refuse_if(threshold.what == Threshold::What::blocked && options.ping_text.empty() &&
                  !options.inspection.is_asked_for(),
              "--threshold '{}' needs --ping URL, --server or --pid: only they show a blocked loop",
              threshold.text);
  }
  refuse_if(options.insecure && !options.ca_file.empty(),
            "--cacert and --insecure exclude each other; give one");
  options.url = options.inspection.url_of(options.url_text);
  ExaminationOptions& examination = options.examination;
  examination.ping = !options.ping_text.empty();
  if (examination.ping) options.ping = ping_url(options.ping_text, options.url);
  examination.look_beyond = !options.most;
  examination.most_at_once = options.most.value_or(examination.most_at_once);
  if (!options.against.empty()) {
    const auto before = find_diagnosis(default_diagnoses_folder(), options.against, target_of(options));
    options.before = about("--against", read_kept_diagnosis(about("--against", before).value())).value();
  }
  const std::string ready = options.ping ? options.ping->target : "";
  // What its start takes is a part of the whole diagnosis.
  const Nanos began = monotonic_now();
  options.inspection.begin(options.url_text, ready, options.url);
  constexpr int kMostOfIt = 5;  // a fifth
  examination.budget -= std::min(monotonic_now() - began, examination.budget / kMostOfIt);
  if (examination.ping) options.ping = ping_url(options.ping_text, options.url);
}

/// The command that asks again after an edit, and compares: the same options but those about the output. A
/// server that runs by itself has another pid by then, and the same URL.
std::string proof_of(const DiagnoseOptions& options) {
  std::string command = "lab diagnose";
  for (const Option& option : options.known) {
    const std::string title = option.title();
    const auto given = options.given.find(title);
    if (given == options.given.end()) continue;
    if (contains({"pid", "check", "format", "quiet", "ascii", "against", "no-save"}, title)) continue;
    for (const std::string& text : given->second) {
      if (!option.is_word()) command += " " + option.names;
      const std::string& word = title == "url" && options.inspection.pid ? options.url.text : text;
      if (!option.is_flag()) command += " " + shell_word(word);
    }
  }
  return command + " --against last";
}

/// Compares it with an earlier one, and keeps it for a later one.
void keep(const DiagnoseOptions& options, DiagnosisReport& report) {
  report.started = utc_now();
  report.target = target_of(options);
  if (options.before)
    report.change = compare_diagnoses(*options.before, read_kept_diagnosis(to_json(report)).value());
  if (options.no_save || report.seen.interrupted) return;
  const auto saved = save_diagnosis(default_diagnoses_folder(), report.started, to_json(report));
  if (!saved) print_error("warning: the diagnosis is not kept for --against: {}\n", saved.error().message);
}

std::string format_report(const DiagnosisReport& report, const OutputOptions& output) {
  if (output.format == Format::json) return to_json(report);
  if (output.format == Format::text) return to_text(report, output.style);
  const std::vector<Report> no_runs;
  return write_reports(output.format.word, {.reports = no_runs, .diagnosis = &report}).value();
}

/// 1 where a threshold is missed, or `check` found a blocked loop or a line. Throws Failure (exit 3) where
/// `check` could not say.
int exit_code_of(const DiagnoseOptions& options, const DiagnosisReport& report) {
  constexpr int kFailed = static_cast<int>(ErrorKind::check_failed);
  if (std::ranges::any_of(report.thresholds, [](const ThresholdRow& row) { return !row.passed; }))
    return kFailed;
  if (!options.check) return 0;
  const bool named = report.inside && !report.inside->lines.empty();
  if (named || report.verdict.loop_blocked == true) return kFailed;
  const bool known = report.verdict.loop_blocked || (!options.ping && saw_loop(report));
  if (!known) throw Failure(cannot_check(options, report));
  return 0;
}

/// Asks the server and prints the verdict. Returns the exit code: 130 or 143 after an interruption. Throws
/// Failure (exit 3) where the request fails even when it is alone.
int diagnose(DiagnoseOptions& options) {
  settle(options);
  Seen seen = ask(options);
  if (seen.outside.alone.empty() && !seen.outside.interrupted) {
    constexpr Nanos kSoon = 300 * kMillisecond;
    if (const std::string ended = options.inspection.ended(kSoon); !ended.empty())
      throw Failure(environment_error("{}", ended));
    throw Failure(failed_alone(options, seen.outside));
  }
  options.inspection.end();
  const std::string ping = options.ping ? options.ping->origin() + options.ping->target : "";
  DiagnosisReport report = make_diagnosis_report(options.url.text, ping, std::move(seen.outside));
  if (seen.local) {
    report.pid = seen.local->pid();
    add_inside(report, seen.inside, proof_of(options));
  }
  add_fixes(report);
  for (const Threshold& threshold : options.thresholds) report.thresholds.push_back(judge(threshold, report));
  keep(options, report);
  print(format_report(report, options.output));
  return report.seen.interrupted ? interrupt_exit_code() : exit_code_of(options, report);
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
                  "Examples: lab diagnose http://127.0.0.1:8000/report --ping /health\n"
                  "          lab diagnose --server 'uvicorn main:app --port {port}' /report --ping /health\n"
                  "          lab diagnose --server 'uvicorn main:app --port {port}' /report --ping /health "
                  "--threshold 'blocked<5ms'\n"
                  "The request is sent several hundred times: choose a route that you may call so often.\n"
                  "Exit 1 if a threshold does not hold, or --check finds something.");
  DiagnoseOptions& options = command.runs<DiagnoseOptions>(diagnose);
  ExaminationOptions& examination = options.examination;
  options.message.names_content = false;
  command.text("--server", "COMMAND", options.inspection.command,
               "start this server, as 'uvicorn main:app --port {port}', look inside it, and end it");
  command.count("--pid", "PID", options.inspection.pid, 1, 1 << 22,
                "look into this process, which serves the URL");
  command
      .each(
          "url", "URL",
          "the slow route; its path alone with --server or --pid; unix:/run/app.sock:/report is one behind a "
          "Unix socket",
          [&options](const std::string& text) {
            options.url_text = text;
            if (!text.starts_with("/") && text.find("{port}") == std::string::npos) parse_url(text).value();
          })
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
  command.flag("--check", options.check,
               "exit 1 if a loop is blocked or a line is named, 3 if that is not known; needs --ping, "
               "--server or --pid");
  command
      .each("--threshold", "T",
            "exit 1 if it does not hold: ping.p90<20ms and ping.max<50ms (--ping beside slow requests), "
            "blocked<5ms (so long a request keeps the loop), parallelism>=16 (>1: not serial)",
            [&options](const std::string& text) {
              options.thresholds.push_back(parse_threshold(text, kDiagnosisThresholds).value());
            })
      .one_each();
  command.flag("--quiet", options.output.quiet, "do not announce what is sent");
  command.flag("--i-own-this-server", options.own_server,
               "allow addresses beyond this machine and private networks");
  command.text("--against", "last|FILE", options.against,
               "say what changed since the last diagnosis of this server and route, or since one in a file");
  command.flag("--no-save", options.no_save, "do not keep it for a later --against");
  std::vector<Format> formats{Format::text, Format::json};
  for (const ReportFormat* format : report_formats()) {
    if (format->of_diagnosis) formats.push_back({format->word});
  }
  add_format_option(command, options.output, formats);
  command.flag("--ascii", options.output.style.ascii, "no character beyond ASCII");
  command.note_words(options.given);
  options.known = command.options;
  return command;
}

}  // namespace lab
