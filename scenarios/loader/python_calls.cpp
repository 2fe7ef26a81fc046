#include <fmt/format.h>

#include "scenarios/loader/python.hpp"

namespace lab {

namespace {

/// `0.1`, `0.000005`: seconds as one writes them.
std::string sleep_of(Nanos duration) {
  std::string text = fmt::format("{:.9f}", seconds(duration));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string sql_of(const Query& query) {
  if (query.sql.empty()) return fmt::format("\"select pg_sleep({})\"", sleep_of(query.duration));
  std::string text = "\"";
  for (const char letter : query.sql) {
    if (letter == '"' || letter == '\\') text += '\\';
    text += letter == '\n' || letter == '\r' || letter == '\t' ? ' ' : letter;
  }
  return text + "\"";
}

struct BlockingCall {
  PythonCall operator()(const Wait& wait) const { return {"time.sleep", sleep_of(wait.duration)}; }
  PythonCall operator()(const Compute& compute) const {
    switch (compute.work) {
      case Work::spin: return {"burn", sleep_of(compute.duration)};
      case Work::sqrt_sum: return {"sum", fmt::format("map(sqrt, range({}))", python_number(compute.units))};
      case Work::qr_code: return {"qrcode.make", "text"};
      case Work::inference: return {"model.predict", "features"};
      case Work::file_read: return {"read_file", compute.file.empty() ? "path" : "\"" + compute.file + "\""};
      case Work::coroutine_switch: return {"switch_coroutines", python_number(compute.units)};
      case Work::thread_switch: return {"switch_threads", python_number(compute.units)};
      case Work::process_switch: return {"switch_processes", python_number(compute.units)};
    }
    return {"burn", ""};
  }
  PythonCall operator()(const CallUpstream& call) const {
    return {call.keep_connection ? "session.get" : "requests.get", "url"};
  }
  PythonCall operator()(const Query& query) const { return {"cursor.execute", sql_of(query)}; }
  template <class Other>
  PythonCall operator()(const Other& /*step*/) const {
    return {"f", ""};
  }
};

struct Awaitable {
  std::string operator()(const Wait& wait) const { return "asyncio.sleep(" + sleep_of(wait.duration) + ")"; }
  std::string operator()(const CallUpstream& call) const {
    return call.keep_connection ? "client.get(url)" : "httpx.AsyncClient().get(url)";
  }
  std::string operator()(const Query& query) const { return "pool.fetch(" + sql_of(query) + ")"; }
  template <class Other>
  std::string operator()(const Other& /*step*/) const {
    return "f()";
  }
};

}  // namespace

std::string python_number(std::int64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), "_");
  return text;
}

PythonCall blocking_call(const Step& step) {
  return std::visit(BlockingCall{}, step.action);
}

std::string awaitable(const Step& step) {
  return std::visit(Awaitable{}, step.action);
}

}  // namespace lab
