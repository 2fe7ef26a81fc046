#include "lab/cli/load_options.hpp"

#include <unistd.h>

#include <algorithm>
#include <bitset>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "harness/client/request_text.hpp"
#include "lab/cli/command.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/http_message.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::int64_t kMaxRequests = 1'000'000'000;
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

/// The load as it was asked for, as far as an option alone does not settle it.
struct AskedLoad {
  std::optional<std::int64_t> requests, concurrency, max_connections;
  std::optional<Arrivals> arrivals;
  std::optional<AskedRate> rate;
  std::optional<Nanos> ramp, duration, warmup;
  bool has_method = false, insecure = false;
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
  const double rate = number_in<double>(text).value_or(NAN);
  refuse_if(!std::isfinite(rate),
            "--rate: '{}' is not a number; give requests per second, such as 100 or 100..1000", whole);
  refuse_if(rate < 0 || (rate == 0 && !may_be_zero) || rate > kMostRate,
            "--rate: {} is out of range; give more than 0 and at most 10000000", whole);
  return rate;
}

Result<AskedRate> read_rate(const std::string& /*option*/, const std::string& text) {
  AskedRate rate{text};
  const std::size_t dots = text.find("..");
  rate.ranges = dots != std::string::npos;
  rate.from = rate_of(text, std::string_view(text).substr(0, dots), rate.ranges);
  rate.to = rate.ranges ? rate_of(text, std::string_view(text).substr(dots + 2), true) : rate.from;
  refuse_if(rate.from == 0 && rate.to == 0, "--rate: {} sends nothing", text);
  return rate;
}

/// `http://…`, or `3@http://…` with its weight.
LoadRequestOptions::WeightedUrl read_url(const std::string& text) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == std::string::npos || digits == 0 || text[digits] != '@') return {parse_url(text).value()};
  const auto weight = parse_count("the weight in " + text, text.substr(0, digits), 1, kMaxWeight).value();
  return {parse_url(text.substr(digits + 1)).value(), weight};
}

/// `200`, `2xx`.
void expect_status(const std::string& text, std::bitset<600>& expected) {
  if (text.size() == 3 && text[0] >= '2' && text[0] <= '5' && text.ends_with("xx")) {
    const auto first = static_cast<std::size_t>(text[0] - '0') * 100;
    for (std::size_t status = first; status < first + 100; ++status) expected.set(status);
    return;
  }
  const auto status = parse_count("--expect-status", text, 200, 599);
  if (!status) throw Failure(usage_error("{}; or a class such as 2xx", status.error().message));
  expected.set(static_cast<std::size_t>(*status));
}

void check_combination(const AskedLoad& asked, Arrivals arrivals) {
  const bool closed = arrivals == Arrivals::closed;
  const std::string_view kind = to_string(arrivals);
  refuse_if(asked.rate && !has_rate(arrivals), "--rate: a {} load has no rate; use --arrivals constant{}",
            closed ? "closed" : "burst",
            closed ? ", with --max-connections if there must not be more requests at a time" : "");
  refuse_if(is_timed(arrivals) && !asked.rate, "--arrivals {} needs --rate, such as --rate 100", kind);
  refuse_if(asked.duration && !lasts(arrivals), "--duration: a {} load ends with its requests; give -n",
            kind);
  refuse_if(asked.warmup && !lasts(arrivals), "--warmup goes with closed, constant and poisson loads");
  refuse_if(asked.ramp && !lasts(arrivals), "--ramp goes with closed, constant and poisson loads");
  refuse_if(closed && asked.max_connections, "--max-connections: a closed load has one per client; give -c");
}

RateCurve curve_of(const AskedLoad& asked, Arrivals arrivals, Nanos duration) {
  if (!has_rate(arrivals)) return {};
  RateCurve curve{kStaggeredRate, kStaggeredRate, 0};
  const bool ranges = asked.rate && asked.rate->ranges;
  if (asked.rate) curve = {asked.rate->from, asked.rate->to, 0};
  if (asked.ramp) {
    curve.ramp = *asked.ramp;
    if (!ranges) curve.from = 0;
  } else if (ranges) {
    refuse_if(duration == kNever, "--rate: a range needs --duration or --ramp, over which it changes");
    curve.ramp = duration;
  }
  refuse_if(ranges && curve.to == 0 && duration == kNever, "--rate: a load that ends at 0 needs --duration");
  return curve;
}

/// Completes the plan, in which is already what an option alone settles.
void complete_plan(const AskedLoad& asked, EnginePlan& plan) {
  plan.arrivals = asked.arrivals.value_or(asked.rate ? Arrivals::constant : Arrivals::closed);
  check_combination(asked, plan.arrivals);
  const bool closed = plan.arrivals == Arrivals::closed;
  const bool timed = is_timed(plan.arrivals);
  const std::int64_t clients = asked.concurrency.value_or(kDefaultClients);
  plan.planned = asked.requests.value_or(lasts(plan.arrivals) ? plan.planned : clients);
  plan.duration = asked.duration.value_or(plan.planned < 0 ? kDefaultDuration : kNever);
  plan.curve = curve_of(asked, plan.arrivals, plan.duration);
  if (plan.duration != kNever && timed && plan.curve.due(plan.duration) > static_cast<double>(kMaxRequests))
    throw Failure(usage_error("--rate: {} for {} is more than {} requests; shorten it", asked.rate->text,
                              format_duration(plan.duration), kMaxRequests));
  std::int64_t most = closed ? clients : timed ? std::max(kDefaultPool, clients) : plan.planned;
  most = std::min(asked.max_connections.value_or(most), kMaxClients);
  plan.most = static_cast<std::uint32_t>(most);
  plan.clients = static_cast<std::uint32_t>(lasts(plan.arrivals) ? std::min(clients, most) : most);
  if (plan.planned >= 0 && closed)
    plan.clients = plan.most = static_cast<std::uint32_t>(std::min<std::int64_t>(plan.clients, plan.planned));
  if (closed) plan.client_ramp = asked.ramp.value_or(0);
  plan.warm_up = asked.warmup.value_or(0);
}

void check_readable(const char* option, const std::string& path) {
  std::error_code error;
  refuse_if(std::filesystem::is_directory(path, error), "{}: '{}' is a folder; name a file", option, path);
  const bool readable = access(path.c_str(), R_OK) == 0;
  refuse_if(!readable, "{}: '{}' cannot be read ({})", option, path, std::strerror(errno));
}

/// What the options mean together.
void settle(const AskedLoad& asked, LoadRequestOptions& options) {
  if (!asked.has_method && !options.message.body.empty()) options.message.method = "POST";
  EnginePlan& engine = options.plan.engine;
  complete_plan(asked, engine);
  if (engine.expected.none()) {
    for (const char* usual : {"2xx", "3xx"}) expect_status(usual, engine.expected);
  }
  const int threads = options.plan.threads;
  refuse_if(engine.clients < static_cast<std::uint32_t>(threads), "--threads: {} threads cannot share {}",
            threads, plural(engine.clients, "connection"));
  if (!options.plan.ca_file.empty()) {
    refuse_if(asked.insecure, "--cacert and --insecure exclude each other; give one");
    check_readable("--cacert", options.plan.ca_file);
  }
  options.plan.verify = !asked.insecure;
  options.plan.keep_samples = options.emulated_tools;
  options.load = load_in_words(engine, asked.max_connections.has_value(), threads);
  if (is_timed(engine.arrivals)) {
    options.requested_rate = engine.duration == kNever
                                 ? engine.curve.to
                                 : engine.curve.due(engine.duration) / seconds(engine.duration);
  }
}

/// What a browser's or a script's body most likely is.
const char* content_type(const std::string& body) {
  const std::size_t first = body.find_first_not_of(" \t\r\n");
  const bool json = first != std::string::npos && (body[first] == '{' || body[first] == '[');
  return json ? "application/json" : "text/plain; charset=utf-8";
}

}  // namespace

void RequestMessage::set_method(const std::string& text) {
  refuse_if(!is_token(text) || text == "CONNECT", "--method: '{}' cannot be sent; give GET, POST, …", text);
  std::string upper = text;
  std::ranges::transform(text, upper.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  refuse_if(upper != text, "--method: methods are case-sensitive; did you mean {}?", upper);
  method = text;
}

void RequestMessage::add_header(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  refuse_if(colon == std::string::npos || !is_token(name),
            "--header: '{}' is not a header field; write 'Accept: text/plain', for example", text);
  for (const char* own : {"content-length", "transfer-encoding", "connection"}) {
    refuse_if(equals_ignoring_case(name, own), "--header: lab writes {} itself; leave it out", own);
  }
  std::string value = text.substr(colon + 1);
  value.erase(0, value.find_first_not_of(" \t"));
  const bool control =
      std::ranges::any_of(value, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; });
  refuse_if(control, "--header: the value of {} has a control character", name);
  headers.emplace_back(name, value);
}

void RequestMessage::read_body(const std::string& text) {
  body = text;
  if (!text.starts_with('@')) return;
  const std::string path = text.substr(1);
  check_readable("--body", path);
  std::ifstream file(path, std::ios::binary);
  body.assign(std::istreambuf_iterator<char>(file), {});
}

bool RequestMessage::has_header(const std::string& name) const {
  return std::ranges::any_of(headers,
                             [&](const auto& header) { return equals_ignoring_case(header.first, name); });
}

std::string RequestMessage::bytes(const Url& url, bool closes) const {
  std::string bytes = fmt::format("{} {} HTTP/1.1\r\n", method, url.target);
  if (!has_header("host")) bytes += fmt::format("Host: {}\r\n", url.authority());
  for (const auto& [name, value] : headers) bytes += fmt::format("{}: {}\r\n", name, value);
  if (closes) bytes += "Connection: close\r\n";
  if (!body.empty() && names_content && !has_header("content-type"))
    bytes += fmt::format("Content-Type: {}\r\n", content_type(body));
  if (says_length(method, std::ssize(body))) bytes += fmt::format("Content-Length: {}\r\n", body.size());
  return bytes + "\r\n" + body;
}

void add_load_options(Command& command, LoadRequestOptions& options) {
  const auto asked = std::make_shared<AskedLoad>();
  EnginePlan& engine = options.plan.engine;
  engine.seed = 42;
  command
      .each("url", "URL", "where to send; 3@URL gets three times as many requests as another URL",
            [&options](const std::string& text) { options.urls.push_back(read_url(text)); })
      .required()
      .has_many = true;
  command.count("-n,--requests", "N", asked->requests, 1, kMaxRequests, "number of requests in all");
  command.count("-c,--concurrency", "C", asked->concurrency, 1, kMaxClients,
                "clients of a closed load, or the first connections of an open load (10)");
  command.choice("--arrivals", "KIND", asked->arrivals, kArrivalWords, " (closed)");
  command.read("--rate", "R", asked->rate, read_rate, "requests per second of an open load; 100..1000 rises");
  command.read("--ramp", "DURATION", asked->ramp, at_least(kMillisecond),
               "the rate rises from 0, or the clients start, within this time");
  command.read("--duration", "DURATION", asked->duration, at_least(kMillisecond),
               "send for this time (10s without -n)");
  command.each("--method", "M", "GET, or POST if there is a body",
               [asked, &options](const std::string& text) {
                 asked->has_method = true;
                 options.message.set_method(text);
               });
  command.each("--body", "TEXT", "text, or @FILE",
               [&options](const std::string& text) { options.message.read_body(text); });
  command
      .each("--header", "'K: V'", "a header field, such as 'Accept: text/plain'",
            [&options](const std::string& text) { options.message.add_header(text); })
      .one_each();
  command
      .read("--timeout", "DURATION", engine.timeout, at_least(kMillisecond),
            "measured from the time when the request should be sent")
      .shows("10s");
  command.read("--warmup", "DURATION", asked->warmup, at_least(0),
               "send for this time before the measurement begins");
  command.count("--threads", "T", options.plan.threads, 1, 256, "threads that share the load").shows("1");
  command.count("--max-connections", "C", asked->max_connections, 1, kMaxClients,
                "most connections of an open load; further requests wait, which counts as latency (1000)");
  command.choice("--connections", "KIND", engine.fresh, kConnectionWords,
                 ": opened before the load, or a new one for each request");
  command
      .each("--expect-status", "S", "statuses that are no error, such as 200,503 or 2xx (2xx,3xx)",
            [&engine](const std::string& text) { expect_status(text, engine.expected); })
      .one_each()
      .list();
  command
      .each("--threshold", "T",
            "exit 1 if it does not hold: p99<200ms, max<1s, mean<20ms, uncorrected.p99<10ms, errors<1%, "
            "rps>500",
            [&options](const std::string& text) {
              options.thresholds.push_back(parse_threshold(text, kLoadThresholds).value());
            })
      .one_each();
  command.count("--seed", "S", engine.seed, 0, INT64_MAX, "random seed of poisson arrivals").shows("42");
  command.text("--cacert", "FILE", options.plan.ca_file, "trust these certificates instead of the system's");
  command.flag("--insecure", asked->insecure, "trust any certificate");
  command.flag("--i-own-this-server", options.own_server,
               "allow addresses beyond this machine and private networks");
  command.flag("--other-tools", options.emulated_tools,
               "what wrk, hey and others would have reported for the same replies");
  add_output_options(command, options.output, {Format::text, Format::json, Format::markdown, Format::csv});
  command.checks.emplace_back([asked, &options] { settle(*asked, options); });
}

}  // namespace lab
