#include "lab/cli/load_options.hpp"

#include <algorithm>
#include <bitset>
#include <charconv>
#include <cmath>
#include <memory>

#include "lab/cli/options.hpp"
#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::int64_t kMostRequests = 1'000'000'000;
constexpr std::int64_t kMaxClients = 1'000'000;
constexpr std::int64_t kMaxWeight = 1'000'000;
constexpr std::int64_t kDefaultClients = 10;
constexpr std::int64_t kDefaultPool = 1000;
constexpr double kMostRate = 10e6;
constexpr double kStaggeredRate = 10;
constexpr Nanos kDefaultDuration = 10 * kSecond;

/// `100`, or `100..1000`.
struct AskedRate {
  std::string text;
  double from = 0, to = 0;
  bool ranges = false;
};

/// The load as it was asked for, option by option.
struct AskedLoad {
  std::optional<std::int64_t> requests, concurrency, max_connections;
  std::optional<Arrivals> arrivals;
  std::optional<AskedRate> rate;
  std::optional<Nanos> ramp, duration, warmup;
  Nanos timeout = 10 * kSecond;
  std::uint64_t seed = 42;
  bool fresh = false, has_method = false, insecure = false;
  std::vector<std::string> expected;
};

/// Reads spans that are at least so long.
auto at_least(Nanos least) {
  return [least](const std::string& option, const std::string& text) -> Result<Nanos> {
    auto span = parse_span(option, text);
    if (span && *span < least)
      return usage_error("{}: {} is too short; give at least {}", option, text,
                         format_duration_literal(least));
    return span;
  };
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

Result<AskedRate> read_rate(const std::string& /*option*/, const std::string& text) {
  AskedRate rate{text};
  const std::size_t dots = text.find("..");
  rate.ranges = dots != std::string::npos;
  rate.from = rate_of(text, std::string_view(text).substr(0, dots), rate.ranges);
  rate.to = rate.ranges ? rate_of(text, std::string_view(text).substr(dots + 2), true) : rate.from;
  if (rate.from == 0 && rate.to == 0) return usage_error("--rate: {} sends nothing", text);
  return rate;
}

/// `http://…`, or `3@http://…` with its weight.
LoadRequestOptions::WeightedUrl read_url(const std::string& text) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == std::string::npos || digits == 0 || text[digits] != '@') return {parse_url(text).value()};
  const auto weight = parse_count("the weight in " + text, text.substr(0, digits), 1, kMaxWeight).value();
  return {parse_url(text.substr(digits + 1)).value(), weight};
}

/// `200`, `2xx`; none given: 2xx and 3xx.
std::bitset<600> statuses(const std::vector<std::string>& texts) {
  std::bitset<600> expected;
  for (const std::string& text : texts.empty() ? std::vector<std::string>{"2xx", "3xx"} : texts) {
    if (text.size() == 3 && text[0] >= '2' && text[0] <= '5' && text.ends_with("xx")) {
      const auto first = static_cast<std::size_t>(text[0] - '0') * 100;
      for (std::size_t status = first; status < first + 100; ++status) expected.set(status);
      continue;
    }
    const auto status = parse_count("--expect-status", text, 200, 599);
    if (!status) throw Failure(usage_error("{}; or a class, as 2xx", status.error().message));
    expected.set(static_cast<std::size_t>(*status));
  }
  return expected;
}

Arrivals arrivals_of(const AskedLoad& asked) {
  return asked.arrivals.value_or(asked.rate ? Arrivals::constant : Arrivals::closed);
}

bool is_timed(Arrivals arrivals) {
  return arrivals == Arrivals::constant || arrivals == Arrivals::poisson;
}

void check_combination(const AskedLoad& asked, Arrivals arrivals) {
  const bool closed = arrivals == Arrivals::closed;
  const bool paced = has_rate(arrivals);
  if (!paced && asked.rate) {
    throw Failure(
        usage_error("--rate: a {} load has none; use --arrivals constant{}", closed ? "closed" : "burst",
                    closed ? ", with --max-connections where no more than so many may be under way" : ""));
  }
  if (is_timed(arrivals) && !asked.rate)
    throw Failure(usage_error("--arrivals {} needs --rate, as --rate 100", to_string(arrivals)));
  if (!closed && !is_timed(arrivals)) {
    if (asked.duration)
      throw Failure(
          usage_error("--duration: a {} load ends with its requests; give -n", to_string(arrivals)));
    if (asked.warmup) throw Failure(usage_error("--warmup goes with closed, constant and poisson loads"));
  }
  if (asked.ramp && !closed && !is_timed(arrivals))
    throw Failure(usage_error("--ramp goes with closed, constant and poisson loads"));
  if (closed && asked.max_connections)
    throw Failure(usage_error("--max-connections: a closed load has one per client; give -c"));
}

RateCurve curve_of(const AskedLoad& asked, Arrivals arrivals, Nanos duration) {
  if (arrivals == Arrivals::closed || arrivals == Arrivals::burst) return {};
  RateCurve curve{kStaggeredRate, kStaggeredRate, 0};
  const bool ranges = asked.rate && asked.rate->ranges;
  if (asked.rate) {
    curve.from = asked.rate->from;
    curve.to = asked.rate->to;
  }
  if (asked.ramp) {
    curve.ramp = *asked.ramp;
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

std::string load_in_words(const EnginePlan& plan, const AskedLoad& asked, int threads) {
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
  if (asked.max_connections) words += fmt::format(", at most {} connections", plan.most);
  words += plan.fresh ? ", a new connection each" : "";
  if (plan.warm_up > 0) words += fmt::format(", {} of warm-up before", format_duration(plan.warm_up));
  if (threads > 1) words += fmt::format(", {} threads", threads);
  return words + fmt::format(", timeout {}", format_duration(plan.timeout));
}

EnginePlan engine_plan(const AskedLoad& asked) {
  EnginePlan plan;
  plan.arrivals = arrivals_of(asked);
  check_combination(asked, plan.arrivals);
  const bool closed = plan.arrivals == Arrivals::closed;
  const bool timed = is_timed(plan.arrivals);
  const std::int64_t clients = asked.concurrency.value_or(kDefaultClients);
  if (asked.requests) plan.planned = *asked.requests;
  if (!closed && !timed && plan.planned < 0) plan.planned = clients;
  if (asked.duration) {
    plan.duration = *asked.duration;
  } else if ((closed || timed) && plan.planned < 0) {
    plan.duration = kDefaultDuration;
  }
  plan.curve = curve_of(asked, plan.arrivals, plan.duration);
  if (plan.duration != kNever && timed && plan.curve.due(plan.duration) > static_cast<double>(kMostRequests))
    throw Failure(usage_error("--rate: {} for {} is more than {} requests; shorten it", asked.rate->text,
                              format_duration(plan.duration), kMostRequests));
  std::int64_t most = closed ? clients : timed ? std::max(kDefaultPool, clients) : plan.planned;
  most = asked.max_connections.value_or(most);
  most = std::min(most, kMaxClients);
  const bool one_each = !closed && !timed;
  plan.most = static_cast<std::uint32_t>(most);
  plan.clients = static_cast<std::uint32_t>(one_each ? most : std::min(clients, most));
  if (plan.planned >= 0 && closed)
    plan.clients = plan.most = static_cast<std::uint32_t>(std::min<std::int64_t>(plan.clients, plan.planned));
  if (closed && asked.ramp) plan.client_ramp = *asked.ramp;
  plan.warm_up = asked.warmup.value_or(plan.warm_up);
  plan.timeout = asked.timeout;
  plan.seed = asked.seed;
  plan.fresh = asked.fresh;
  plan.expected = statuses(asked.expected);
  return plan;
}

void settle(const AskedLoad& asked, LoadRequestOptions& options) {
  if (!asked.has_method && !options.message.body.empty()) options.message.method = "POST";
  EnginePlan& engine = options.plan.engine = engine_plan(asked);
  if (engine.clients < static_cast<std::uint32_t>(options.plan.threads))
    throw Failure(usage_error("--threads: {} threads cannot share {} connection{}", options.plan.threads,
                              engine.clients, engine.clients == 1 ? "" : "s"));
  if (!options.plan.ca_file.empty() && asked.insecure)
    throw Failure(usage_error("--cacert and --insecure exclude each other; give one"));
  if (!options.plan.ca_file.empty()) check_readable("--cacert", options.plan.ca_file).value();
  options.plan.verify = !asked.insecure;
  options.plan.keep_samples = options.emulated_tools;
  options.load = load_in_words(engine, asked, options.plan.threads);
  if (is_timed(engine.arrivals)) {
    options.requested_rate = engine.duration == kNever
                                 ? engine.curve.to
                                 : engine.curve.due(engine.duration) / seconds(engine.duration);
  }
}

}  // namespace

void add_load_options(Command& command, LoadRequestOptions& options) {
  const auto asked = std::make_shared<AskedLoad>();
  const auto each = [&command](const std::string& names, const std::string& value, const std::string& help,
                               std::function<void(const std::string&)> take) -> Option& {
    return command.add(names, value, help, [take](const std::vector<std::string>& texts) {
      for (const std::string& text : texts) take(text);
    });
  };
  each("url", "URL", "where to; 3@URL gives it three times the weight of another",
       [&options](const std::string& text) { options.urls.push_back(read_url(text)); })
      .required()
      .has_many = true;
  command.count("-n,--requests", "N", asked->requests, 1, kMostRequests, "so many requests in all");
  command.count("-c,--concurrency", "C", asked->concurrency, 1, kMaxClients,
                "clients of a closed load; connections that an open one begins with (10)");
  command.choice("--arrivals", "KIND", asked->arrivals, kArrivalWords, " (closed)");
  command.read("--rate", "R", asked->rate, read_rate,
               "requests per second of an open load; 100..1000 climbs");
  command.read("--ramp", "DURATION", asked->ramp, at_least(kMillisecond),
               "the rate climbs from 0, or the clients start, within this time");
  command.read("--duration", "DURATION", asked->duration, at_least(kMillisecond),
               "send for so long (10s where there is no -n)");
  each("--method", "M", "GET, or POST where there is a body", [asked, &options](const std::string& text) {
    asked->has_method = true;
    options.message.set_method(text).value();
  });
  each("--body", "TEXT", "text, or @FILE",
       [&options](const std::string& text) { options.message.read_body(text).value(); });
  each("--header", "'K: V'", "a header field, as 'Accept: text/plain'", [&options](const std::string& text) {
    options.message.add_header(text).value();
  }).one_each();
  command
      .read("--timeout", "DURATION", asked->timeout, at_least(kMillisecond),
            "from the time a request was meant to be sent")
      .shows("10s");
  command.read("--warmup", "DURATION", asked->warmup, at_least(0), "send for so long before anything counts");
  command.count("--threads", "T", options.plan.threads, 1, 256, "that share the load").shows("1");
  command.count("--max-connections", "C", asked->max_connections, 1, kMaxClients,
                "of an open load; more requests wait for one, which counts (1000)");
  command.choice("--connections", "KIND", asked->fresh, kConnectionWords,
                 ": before the load, or for each request");
  command
      .texts("--expect-status", "S", asked->expected,
             "statuses that are no error, as 200,503 or 2xx (2xx,3xx)")
      .one_each()
      .list();
  each("--threshold", "T",
       "exit 1 where it does not hold: p99<200ms, max<1s, mean<20ms, uncorrected.p99<10ms, errors<1%, "
       "rps>500",
       [&options](const std::string& text) { options.thresholds.push_back(parse_threshold(text).value()); })
      .one_each();
  command.count("--seed", "S", asked->seed, 0, INT64_MAX, "of poisson arrivals").shows("42");
  command.text("--cacert", "FILE", options.plan.ca_file, "trust these certificates instead of the system's");
  command.flag("--insecure", asked->insecure, "trust any certificate");
  command.flag("--i-own-this-server", options.own_server,
               "go beyond this machine and private networks: only where you may");
  command.flag("--other-tools", options.emulated_tools,
               "what wrk, hey and others would have printed of the same replies");
  add_output_options(command, options.output, {Format::text, Format::json, Format::markdown, Format::csv});
  command.checks.emplace_back([asked, &options] { settle(*asked, options); });
}

}  // namespace lab
