#include <unistd.h>

#include <algorithm>
#include <utility>

#include "harness/client/load_team.hpp"
#include "harness/client/request_text.hpp"
#include "harness/diagnosis/local_server.hpp"
#include "harness/trace/machine.hpp"
#include "lab/cli/command.hpp"
#include "lab/cli/load_options.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/interrupt.hpp"
#include "lab/core/terminal.hpp"
#include "results/report/load_report.hpp"

namespace lab {

namespace {

constexpr int kAnswersWithinMs = 1000;
constexpr Nanos kRunUp = 2 * kMillisecond;

/// Finds the endpoints of all URLs and gives every URL its request.
void aim(LoadRequestOptions& options) {
  GeneratorPlan& plan = options.plan;
  for (const auto& [url, weight] : options.urls) {
    const std::string origin = url.origin();
    auto known = std::ranges::find(plan.origins, origin);
    if (known == plan.origins.end()) {
      const auto addresses = resolve(url).value();
      for (const Address& address : addresses) {
        refuse_if(
            !address.is_private() && !options.own_server,
            "{} is {}, beyond this machine and private networks: a load there is an attack unless the server "
            "is yours; if it is, say so with --i-own-this-server",
            url.host, address.text());
      }
      plan.addresses.push_back(first_that_answers(addresses, kAnswersWithinMs));
      plan.origins.push_back(origin);
      plan.hosts.push_back(url.host);
      plan.tls.push_back(url.tls);
      known = plan.origins.end() - 1;
    }
    LoadRequest request;
    request.bytes = options.message.bytes(url, plan.engine.fresh);
    request.endpoint = static_cast<std::uint32_t>(known - plan.origins.begin());
    request.weight = weight;
    request.to_head = options.message.method == "HEAD";
    request.idempotent = is_idempotent(options.message.method);
    plan.engine.requests.push_back(std::move(request));
  }
  plan.engine.endpoints = static_cast<std::uint32_t>(plan.addresses.size());
}

/// Ranks divide the load as threads do; only the first one says anything.
void share_among(const LoadTeam& team, LoadRequestOptions& options) {
  options.plan.engine.share = team.share();
  if (team.ranks() == 1) return;
  const auto parts = static_cast<std::uint32_t>(team.ranks() * options.plan.threads);
  refuse_if(options.plan.engine.clients < parts,
            "-c: {} processes with {} thread(s) each cannot share {} connections", team.ranks(),
            options.plan.threads, options.plan.engine.clients);
  options.load += fmt::format(", {} processes", team.ranks());
  if (team.rank() != 0) options.output.quiet = true;
}

std::string format_load(const LoadReport& report, const OutputOptions& output) {
  if (output.format == Format::json) return load_json(report);
  if (output.format == Format::csv) return load_csv(report);
  if (output.format == Format::markdown) return load_markdown(report);
  return load_text(report, output.style);
}

/// Sends it all, with one line that is written over and over where stderr is a terminal.
LoadTotals send(const LoadRequestOptions& options, LoadTeam& team) {
  const EnginePlan& plan = options.plan.engine;
  const bool shown = !options.output.quiet && isatty(STDERR_FILENO) == 1;
  LoadProgress last;
  const auto show = [&](const LoadProgress& progress) {
    if (!shown || progress.since_start <= 0) return;
    const Nanos step = progress.since_start - last.since_start;
    const double rate = static_cast<double>(progress.ok - last.ok) / seconds(std::max<Nanos>(step, 1));
    std::string left;
    if (plan.duration != kNever && progress.since_start < plan.duration) {
      left = fmt::format(", {:.0f} s left", seconds(plan.duration - progress.since_start));
    } else if (plan.planned > 0) {
      left = fmt::format(" of {}", plan.planned);
    }
    print_error("\r\x1b[K{:.0f} s: {} ended{}, {:.0f}/s, {} under way", seconds(progress.since_start),
                progress.ended, left, rate, progress.under_way);
    if (progress.ended > progress.ok) print_error(", {} failed", progress.ended - progress.ok);
    last = progress;
  };
  auto totals = generate(
      options.plan, [&] { return team.agree_on_start(kRunUp + plan.warm_up); }, show);
  if (last.since_start > 0) print_error("\r\x1b[K");
  team.gather(totals.value());
  return std::move(*totals);
}

void report_clocks(const LoadTeam& team, LoadReport& report) {
  report.ranks = team.ranks();
  if (team.ranks() == 1) return;
  const auto& errors = team.clock_errors();
  LoadClocks& clocks = report.clocks.emplace();
  clocks.error_s = seconds(*std::ranges::max_element(errors));
  for (const Nanos offset : team.clock_offsets()) clocks.offset_s.push_back(seconds(offset));
  report.remarks.push_back(
      {NoteKind::note,
       fmt::format("the {} processes began together within {}: their clocks were compared over MPI",
                   team.ranks(), format_duration(to_nanos(clocks.error_s)))});
}

int load(LoadRequestOptions options) {
  const auto team = LoadTeam::join().value();
  share_among(*team, options);
  aim(options);
  options.plan.interrupt_fd = interrupt_fd();
  const std::uint32_t& most = options.plan.engine.most;
  const std::uint32_t wished = most;
  fit_descriptors(options.plan).value();
  const bool reported_too =
      options.output.format == Format::text && options.output.terminal && isatty(STDERR_FILENO) == 1;
  if (!options.output.quiet && !reported_too) print_error("{}\n", options.load);
  const NoiseMeter noise;
  LoadTotals totals = send(options, *team);
  if (team->rank() != 0) return 0;
  LoadReport report = summarise_load(options, totals);
  report.method = options.message.method;
  if (most < wished) {
    report.remarks.push_back(
        {NoteKind::note, fmt::format("the hard limit of descriptors (ulimit -Hn) allows {} of {} connections",
                                     most, wished)});
  }
  report_clocks(*team, report);
  const Environment environment = describe_environment();
  // A server on this machine that is loaded takes its cores, and is no noise.
  const auto& addresses = options.plan.addresses;
  const bool alone = std::ranges::none_of(addresses, [](const Address& address) {
    return LocalServer::find(address, address.port()).has_value();
  });
  report.environment = {environment.cores, environment.kernel, noise.verdict(alone), environment.details};
  for (auto& detail : noise.details()) report.environment.environment.push_back(std::move(detail));
  print(format_load(report, options.output));
  return totals.interrupted ? interrupt_exit_code() : load_exit_code(options, report);
}

}  // namespace

Command load_command() {
  Command command(
      "load", "the load generator by itself, against any HTTP server",
      "Examples: lab load http://127.0.0.1:8000/ping\n"
      "          lab load http://127.0.0.1:8000/ --rate 100..1000 --duration 30s --threshold "
      "'p99<200ms'\n"
      "          lab load 9@http://127.0.0.1:8000/ping 1@http://127.0.0.1:8000/report -c 50 -n "
      "10000\n"
      "Without options: 10 clients in a closed loop for 10 s. With --rate: an open loop, whose "
      "latencies count\n"
      "from the time when each request should be sent.\n"
      "Exit 1 if a request failed or a threshold does not hold (with a threshold on errors, only the "
      "thresholds count).");
  LoadRequestOptions& options = command.runs<LoadRequestOptions>(load);
  add_load_options(command, options);
  return command;
}

}  // namespace lab
