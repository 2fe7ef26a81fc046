#include "harness/inside/probe_lines.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "harness/inside/kernel_samples.hpp"
#include "harness/trace/server_use.hpp"
#include "lab/core/json_members.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

namespace json = boost::json;

constexpr std::size_t kMaxFrames = 64;

/// `["/srv/main.py", 17, "report"]`
std::optional<CodePlace> place_in(const json::array& frame) {
  if (frame.size() < 3) return std::nullopt;
  json::error_code problem;
  const auto line = frame[1].to_number<std::int32_t>(problem);
  CodePlace place{JsonMembers::text_in(&frame[0]), problem ? 0 : line, JsonMembers::text_in(&frame[2])};
  if (frame.size() > 3) place.offset = frame[3].to_number<std::uint64_t>(problem);
  return place;
}

CodeStack stack_in(const json::array& frames) {
  CodeStack stack;
  for (const json::value& frame : frames) {
    const json::array* words = frame.if_array();
    auto place = words != nullptr ? place_in(*words) : std::nullopt;
    if (place && stack.size() < kMaxFrames) stack.push_back(std::move(*place));
  }
  return stack;
}

std::vector<CodeStack> stacks_in(const json::array& list) {
  std::vector<CodeStack> stacks;
  for (const json::value& stack : list) {
    if (const json::array* frames = stack.if_array()) stacks.push_back(stack_in(*frames));
  }
  return stacks;
}

std::vector<ThreadGroup> groups_in(const json::array& list) {
  std::vector<ThreadGroup> groups;
  for (const json::value& each : list) {
    const json::object* object = each.if_object();
    if (object == nullptr) continue;
    const JsonMembers members(*object);
    ThreadGroup& group = groups.emplace_back();
    group.count = std::max(1, members.count("count"));
    group.stack = stack_in(members.list("stack"));
    for (const json::value& thread : members.list("all")) {
      json::error_code problem;
      const auto id = thread.to_number<std::int32_t>(problem);
      if (!problem) group.threads.push_back(id);
    }
    if (group.threads.empty()) group.threads.push_back(members.count("thread"));
  }
  return groups;
}

void add_hello(const JsonMembers& members, pid_t pid, ProbeLines& lines) {
  auto known = std::ranges::find(lines.processes, pid, &ProbedProcess::pid);
  if (known == lines.processes.end()) known = lines.processes.insert(known, ProbedProcess{});
  known->pid = pid;
  known->language = members.text("language");
  known->version = members.text("version");
  if (std::string loop = members.text("loop"); !loop.empty()) {
    known->loop = std::move(loop);
    known->loop_thread = members.count("thread");
  }
  known->folder = members.text("cwd");
  known->libraries.clear();
  for (const json::value& folder : members.list("libraries")) {
    if (std::string name = JsonMembers::text_in(&folder); !name.empty())
      known->libraries.push_back(std::move(name));
  }
}

bool add_line(const json::object& object, pid_t pid, ProbeLines& lines) {
  const JsonMembers members(object);
  const std::string kind = members.text("kind");
  const Nanos at = members.number("at_ns");
  if (kind == "hello") {
    add_hello(members, pid, lines);
  } else if (kind == "late") {
    LateLoop& late = lines.late.emplace_back();
    late.pid = pid;
    late.at = at;
    late.late = std::max<Nanos>(0, members.number("late_ns"));
    late.stack = stack_in(members.list("stack"));
    late.handler = place_in(members.list("handler"));
  } else if (kind == "pool") {
    lines.pools.push_back({pid, at, members.text("name"), members.count("limit"), members.count("waiting"),
                           stacks_in(members.list("holders"))});
  } else if (kind == "lock") {
    std::vector<CodeStack> waiters = stacks_in(members.list("waiters"));
    lines.locks.push_back({pid, at, members.text("name"), members.count("waiting"),
                           stack_in(members.list("held_by")),
                           waiters.empty() ? CodeStack{} : waiters.front()});
  } else if (kind == "threads") {
    lines.threads.push_back({pid, at, groups_in(members.list("stacks"))});
  } else if (kind == "error") {
    std::string text = members.text("text");
    if (!text.empty() && !contains(lines.errors, text)) lines.errors.push_back(std::move(text));
  } else {
    return false;
  }
  return true;
}

}  // namespace

void add_probe_lines(std::string_view text, pid_t pid, ProbeLines& lines) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    json::error_code problem;
    const json::value value = json::parse({line.data(), line.size()}, problem);
    const json::object* object = problem ? nullptr : value.if_object();
    if (object == nullptr || !add_line(*object, pid, lines)) ++lines.damaged;
  }
}

ProbeLines read_probe_lines(const std::filesystem::path& folder) {
  ProbeLines lines;
  for (const auto& file : entries_of(folder)) {
    const auto pid = number_in<pid_t>(file.stem().string());
    if (!pid || file.extension() != ".jsonl") continue;
    add_probe_lines(read_whole(file), *pid, lines);
  }
  resolve_symbols(lines);
  return lines;
}

}  // namespace lab
