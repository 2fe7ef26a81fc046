#include "lab/cli/load_options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "lab/cli/load_message.hpp"
#include "lab/cli/words.hpp"
#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::int64_t kMostRequests = 1'000'000'000;
constexpr std::int64_t kMostClients = 1'000'000;
constexpr std::int64_t kDefaultClients = 10;
constexpr std::int64_t kDefaultPool = 1000;
constexpr double kMostRate = 10e6;
constexpr double kStaggeredRate = 10;
constexpr Nanos kDefaultDuration = 10 * kSecond;

Nanos duration_of(const char* option, const std::string& text, Nanos least) {
  const auto span = parse_duration(text);
  if (!span) throw Failure(usage_error("{}: {}", option, span.error().message));
  if (*span < least)
    throw Failure(usage_error("{}: {} is too short; give at least {}", option, text, spell_duration(least)));
  return *span;
}

std::int64_t count_of(const char* option, const std::string& text, std::int64_t least, std::int64_t most) {
  return parse_count(option, text, least, most).value();
}

double rate_of(const std::string& whole, std::string_view text, bool may_be_zero) {
  double rate = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), rate);
  if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(rate)) {
    throw Failure(
        usage_error("--rate: '{}' is not a number; give requests per second, as 100 or 100..1000", whole));
  }
  if (rate < 0 || (rate == 0 && !may_be_zero) || rate > kMostRate)
    throw Failure(usage_error("--rate: {} is out of range; give more than 0 and at most 10000000", whole));
  return rate;
}

Arrivals arrivals_of(const RawLoadOptions& raw) {
  if (raw.arrivals.empty()) return raw.rate.empty() ? Arrivals::closed : Arrivals::constant;
  return pick("--arrivals", raw.arrivals, kArrivalWords).value();
}

bool is_timed(Arrivals arrivals) {
  return arrivals == Arrivals::constant || arrivals == Arrivals::poisson;
}

void check_combination(const RawLoadOptions& raw, Arrivals arrivals) {
  const bool closed = arrivals == Arrivals::closed;
  const bool paced = has_rate(arrivals);
  if (!paced && !raw.rate.empty()) {
    throw Failure(
        usage_error("--rate: a {} load has none; use --arrivals constant{}", closed ? "closed" : "burst",
                    closed ? ", with --max-connections where no more than so many may be under way" : ""));
  }
  if (is_timed(arrivals) && raw.rate.empty())
    throw Failure(usage_error("--arrivals {} needs --rate, as --rate 100", raw.arrivals));
  if (!closed && !is_timed(arrivals)) {
    if (!raw.duration.empty())
      throw Failure(usage_error("--duration: a {} load ends with its requests; give -n", raw.arrivals));
    if (!raw.warmup.empty())
      throw Failure(usage_error("--warmup goes with closed, constant and poisson loads"));
  }
  if (!raw.ramp.empty() && !closed && !is_timed(arrivals))
    throw Failure(usage_error("--ramp goes with closed, constant and poisson loads"));
  if (closed && !raw.max_connections.empty())
    throw Failure(usage_error("--max-connections: a closed load has one per client; give -c"));
  if (!raw.ca_file.empty() && raw.insecure)
    throw Failure(usage_error("--cacert and --insecure exclude each other; give one"));
}

RateCurve curve_of(const RawLoadOptions& raw, Arrivals arrivals, Nanos duration) {
  if (arrivals == Arrivals::closed || arrivals == Arrivals::burst) return {};
  RateCurve curve{kStaggeredRate, kStaggeredRate, 0};
  const std::size_t dots = raw.rate.find("..");
  const bool ranges = dots != std::string::npos;
  if (ranges) {
    curve.from = rate_of(raw.rate, std::string_view(raw.rate).substr(0, dots), true);
    curve.to = rate_of(raw.rate, std::string_view(raw.rate).substr(dots + 2), true);
    if (curve.from == 0 && curve.to == 0) throw Failure(usage_error("--rate: {} sends nothing", raw.rate));
  } else if (!raw.rate.empty()) {
    curve.from = curve.to = rate_of(raw.rate, raw.rate, false);
  }
  if (!raw.ramp.empty()) {
    curve.ramp = duration_of("--ramp", raw.ramp, kMillisecond);
    if (!ranges) curve.from = 0;
  } else if (ranges) {
    if (duration == kNever)
      throw Failure(usage_error("--rate: a range needs --duration or --ramp, over which it changes"));
    curve.ramp = duration;
  }
  if (ranges && curve.to == 0 && duration == kNever)
    throw Failure(usage_error("--rate: a load that ends at 0 needs --duration"));
  return curve;
}

std::string load_in_words(const EnginePlan& plan, const RawLoadOptions& raw, int threads) {
  const auto requests = [&] {
    return fmt::format("{} request{}", plan.planned, plan.planned == 1 ? "" : "s");
  };
  std::string words;
  switch (plan.arrivals) {
    case Arrivals::closed:
      words = fmt::format("closed loop, {} client{}", plan.clients, plan.clients == 1 ? "" : "s");
      break;
    case Arrivals::burst: words = requests() + " at once"; break;
    case Arrivals::staggered:
      words = fmt::format("{}, one every {}", requests(), format_duration(to_nanos(1 / plan.curve.to)));
      break;
    case Arrivals::constant:
    case Arrivals::poisson:
      words = plan.arrivals == Arrivals::constant ? "evenly " : "at random ";
      words += plan.curve.ramp == 0 ? fmt::format("{}/s", plan.curve.to)
                                    : fmt::format("{}/s to {}/s within {}", plan.curve.from, plan.curve.to,
                                                  format_duration(plan.curve.ramp));
      break;
  }
  const bool counted_apart = plan.arrivals == Arrivals::closed || is_timed(plan.arrivals);
  if (counted_apart && plan.planned >= 0) words += ", " + requests();
  if (plan.duration != kNever)
    words += fmt::format("{} {}", plan.planned >= 0 ? ", at most" : " for", format_duration(plan.duration));
  if (plan.client_ramp > 0) words += fmt::format(", starting within {}", format_duration(plan.client_ramp));
  if (!raw.max_connections.empty()) words += fmt::format(", at most {} connections", plan.most);
  words += plan.fresh ? ", a new connection each" : "";
  if (plan.warm_up > 0) words += fmt::format(", {} of warm-up before", format_duration(plan.warm_up));
  if (threads > 1) words += fmt::format(", {} threads", threads);
  return words + fmt::format(", timeout {}", format_duration(plan.timeout));
}

EnginePlan engine_plan(const RawLoadOptions& raw) {
  EnginePlan plan;
  plan.arrivals = arrivals_of(raw);
  check_combination(raw, plan.arrivals);
  const bool closed = plan.arrivals == Arrivals::closed;
  const bool timed = is_timed(plan.arrivals);
  const auto clients =
      raw.concurrency.empty() ? kDefaultClients : count_of("-c", raw.concurrency, 1, kMostClients);
  if (!raw.requests.empty()) plan.planned = count_of("-n", raw.requests, 1, kMostRequests);
  if (!closed && !timed && plan.planned < 0) plan.planned = clients;
  if (!raw.duration.empty()) {
    plan.duration = duration_of("--duration", raw.duration, kMillisecond);
  } else if ((closed || timed) && plan.planned < 0) {
    plan.duration = kDefaultDuration;
  }
  plan.curve = curve_of(raw, plan.arrivals, plan.duration);
  if (plan.duration != kNever && timed && plan.curve.due(plan.duration) > static_cast<double>(kMostRequests))
    throw Failure(usage_error("--rate: {} for {} is more than {} requests; shorten it", raw.rate,
                              format_duration(plan.duration), kMostRequests));
  std::int64_t most = closed ? clients : timed ? std::max(kDefaultPool, clients) : plan.planned;
  if (!raw.max_connections.empty())
    most = count_of("--max-connections", raw.max_connections, 1, kMostClients);
  most = std::min(most, kMostClients);
  const bool one_each = !closed && !timed;
  plan.most = static_cast<std::uint32_t>(most);
  plan.clients = static_cast<std::uint32_t>(one_each ? most : std::min(clients, most));
  if (plan.planned >= 0 && closed)
    plan.clients = plan.most = static_cast<std::uint32_t>(std::min<std::int64_t>(plan.clients, plan.planned));
  if (closed && !raw.ramp.empty()) plan.client_ramp = duration_of("--ramp", raw.ramp, kMillisecond);
  if (!raw.warmup.empty()) plan.warm_up = duration_of("--warmup", raw.warmup, 0);
  plan.timeout = duration_of("--timeout", raw.timeout, kMillisecond);
  plan.seed = static_cast<std::uint64_t>(count_of("--seed", raw.seed, 0, INT64_MAX));
  if (!raw.connections.empty() && raw.connections != "opened" && raw.connections != "fresh") {
    throw Failure(usage_error("--connections: unknown word '{}'{}", raw.connections,
                              suggestion(raw.connections, {"opened", "fresh"})));
  }
  plan.fresh = raw.connections == "fresh";
  return plan;
}

}  // namespace

bool has_rate(Arrivals arrivals) {
  return is_timed(arrivals) || arrivals == Arrivals::staggered;
}

void add_load_options(CLI::App& app, RawLoadOptions& raw) {
  add_texts(app, "url", raw.urls, "where to; 3@URL gives it three times the weight of another")
      ->required()
      ->type_name("URL");
  add_text(app, "-n,--requests", raw.requests, "so many requests in all")->type_name("N");
  add_text(app, "-c,--concurrency", raw.concurrency,
           "clients of a closed load; connections that an open one begins with (10)")
      ->type_name("C");
  add_text(app, "--arrivals", raw.arrivals, "burst, closed, constant, poisson or staggered (closed)")
      ->type_name("KIND");
  add_text(app, "--rate", raw.rate, "requests per second of an open load; 100..1000 climbs")->type_name("R");
  add_text(app, "--ramp", raw.ramp, "the rate climbs from 0, or the clients start, within this time")
      ->type_name("DURATION");
  add_text(app, "--duration", raw.duration, "send for so long (10s where there is no -n)")
      ->type_name("DURATION");
  add_text(app, "--method", raw.method, "GET, or POST where there is a body")->type_name("M");
  add_text(app, "--body", raw.body, "text, or @FILE")->type_name("TEXT");
  add_texts(app, "--header", raw.headers, "a header field, as 'Accept: text/plain'")
      ->type_name("'K: V'")
      ->allow_extra_args(false);
  add_text(app, "--timeout", raw.timeout, "from the time a request was meant to be sent")
      ->capture_default_str()
      ->type_name("DURATION");
  add_text(app, "--warmup", raw.warmup, "send for so long before anything counts")->type_name("DURATION");
  add_text(app, "--threads", raw.threads, "that share the load")->capture_default_str()->type_name("T");
  add_text(app, "--max-connections", raw.max_connections,
           "of an open load; more requests wait for one, which counts (1000)")
      ->type_name("C");
  add_text(app, "--connections", raw.connections, "opened or fresh: before the load, or for each request")
      ->type_name("KIND");
  add_texts(app, "--expect-status", raw.expected, "statuses that are no error, as 200,503 or 2xx (2xx,3xx)")
      ->delimiter(',')
      ->type_name("S")
      ->allow_extra_args(false);
  add_texts(app, "--threshold", raw.thresholds,
            "exit 1 where it does not hold: p99<200ms, max<1s, mean<20ms, uncorrected.p99<10ms, errors<1%, "
            "rps>500")
      ->type_name("T")
      ->allow_extra_args(false);
  add_text(app, "--seed", raw.seed, "of poisson arrivals")->capture_default_str()->type_name("S");
  add_text(app, "--cacert", raw.ca_file, "trust these certificates instead of the system's")
      ->type_name("FILE");
  app.add_flag("--insecure", raw.insecure, "trust any certificate");
  app.add_flag("--i-own-this-server", raw.own_server,
               "go beyond this machine and private networks: only where you may");
  app.add_flag("--other-tools", raw.other_tools,
               "what wrk, hey and others would have printed of the same replies");
  add_output_options(app, raw.output, {Format::text, Format::json, Format::csv, Format::markdown});
}

Result<LoadRequestOptions> check_load_options(const RawLoadOptions& raw) {
  LoadRequestOptions options;
  auto output = check_output_options(raw.output);
  if (!output) return output.error();
  options.output = *output;
  if (raw.output.color == "auto" && std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr)
    options.output.style.color = false;  // mpirun's pseudo-terminal, whatever its own output is
  for (const std::string& text : raw.urls) {
    auto url = parse_weighted_url(text);
    if (!url) return url.error();
    options.urls.push_back({url->first, url->second});
  }
  if (const auto read = read_message(raw, options); !read) return read.error();
  options.plan.engine = engine_plan(raw);
  const auto expected = parse_statuses(raw.expected);
  if (!expected) return expected.error();
  options.plan.engine.expected = *expected;
  options.plan.threads = static_cast<int>(count_of("--threads", raw.threads, 1, 256));
  const EnginePlan& engine = options.plan.engine;
  if (engine.clients < static_cast<std::uint32_t>(options.plan.threads))
    return usage_error("--threads: {} threads cannot share {} connection{}", options.plan.threads,
                       engine.clients, engine.clients == 1 ? "" : "s");
  if (const auto readable = check_readable("--cacert", raw.ca_file); !raw.ca_file.empty() && !readable)
    return readable.error();
  options.plan.ca_file = raw.ca_file;
  options.plan.verify = !raw.insecure;
  for (const std::string& text : raw.thresholds) {
    auto threshold = parse_threshold(text);
    if (!threshold) return threshold.error();
    options.thresholds.push_back(*threshold);
  }
  options.own_server = raw.own_server;
  options.other_tools = options.plan.keep_samples = raw.other_tools;
  options.load = load_in_words(engine, raw, options.plan.threads);
  if (is_timed(engine.arrivals)) {
    options.requested_rate = engine.duration == kNever
                                 ? engine.curve.to
                                 : engine.curve.due(engine.duration) / seconds(engine.duration);
  }
  return options;
}

}  // namespace lab
