#include "lab/servers/steps/leaf_message.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace lab {

namespace {

/// Which leaf, and its numbers; a file's path or a query's text follows.
struct Head {
  std::size_t kind = 0;  // index into Step::action
  Nanos begun = 0;
  Nanos duration = 0;
  std::int64_t units = 0;
  Work work = Work::spin;
  bool keep_connection = false;
};
static_assert(std::is_trivially_copyable_v<Head>);

/// A fault's reason follows.
struct EndHead {
  int status = 0;
  Nanos cpu = 0;
  std::int64_t units = 0;
};

struct Write {
  Head& head;
  std::string& text;
  void operator()(const Wait& wait) const { head.duration = wait.duration; }
  void operator()(const Compute& compute) const {
    head.duration = compute.duration;
    head.units = compute.units;
    head.work = compute.work;
    text = compute.file;
  }
  void operator()(const CallUpstream& call) const {
    head.duration = call.duration;
    head.keep_connection = call.keep_connection;
  }
  void operator()(const Query& query) const {
    head.duration = query.duration;
    text = query.sql;
  }
  template <class Other>
  void operator()(const Other& /*step*/) const {}
};

template <class Value>
std::string bytes_of(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <class Value>
Value value_of(const std::string& bytes) {
  Value value{};
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

template <class Value>
std::string text_behind(const std::string& bytes) {
  return bytes.size() > sizeof(Value) ? bytes.substr(sizeof(Value)) : std::string();
}

}  // namespace

std::string write_order(const Step& leaf, Nanos begun) {
  Head head{.kind = leaf.action.index(), .begun = begun};
  std::string text;
  std::visit(Write{head, text}, leaf.action);
  return bytes_of(head) + text;
}

LeafOrder read_order(const std::string& message) {
  const auto head = value_of<Head>(message);
  const std::string text = text_behind<Head>(message);
  LeafOrder order{.step = {Wait{head.duration}}, .begun = head.begun};
  if (head.kind == Step{Compute{}}.action.index())
    order.step.action = Compute{head.duration, head.work, head.units, text};
  if (head.kind == Step{CallUpstream{}}.action.index())
    order.step.action = CallUpstream{head.duration, head.keep_connection};
  if (head.kind == Step{Query{}}.action.index()) order.step.action = Query{head.duration, text};
  return order;
}

std::string write_end(const LeafEnd& end) {
  return bytes_of(EndHead{end.fault.status, end.cpu, end.units}) +
         end.fault.reason.substr(0, kMostMessageBytes - sizeof(EndHead));
}

LeafEnd read_end(const std::string& message) {
  const auto head = value_of<EndHead>(message);
  return {{head.status, text_behind<EndHead>(message)}, head.cpu, head.units};
}

}  // namespace lab
