// Run records as a student may hand them in: anything, with checksums that are right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "results/store/record_blocks.hpp"
#include "results/store/record_lines.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace lab::fuzz {

/// The same lines; those that end with a checksum have the right one.
inline std::string sealed_lines(std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    const bool ended = end < lines.size();
    lines.remove_prefix(ended ? end + 1 : end);
    if (line.size() > kSealLength && line.substr(line.size() - kSealLength).starts_with(",\"crc32\":\"")) {
      const std::string_view body = line.substr(0, line.size() - kSealLength);
      out += fmt::format("{},\"crc32\":\"{:08x}\"}}", body, crc32(body, "}"));
    } else {
      out += line;
    }
    if (ended) out += '\n';
  }
  return out;
}

/// The same blocks of requests.bin; the checksums of heads and entries are right as far as there are any.
inline std::string sealed_blocks(std::string_view blocks) {
  constexpr std::size_t kHead = 24;
  std::string out(blocks);
  for (std::size_t at = kBlocksMagic.size(); at + kHead <= out.size();) {
    std::uint16_t size = 0;
    std::uint32_t entries = 0;
    std::memcpy(&size, &out[at + 6], sizeof size);
    std::memcpy(&entries, &out[at + 12], sizeof entries);
    const std::uint64_t body = std::uint64_t{size} * entries;
    if (body > out.size() - at - kHead) break;
    const std::uint32_t of_body = crc32(std::string_view(out).substr(at + kHead, body));
    std::memcpy(&out[at + 16], &of_body, sizeof of_body);
    const std::uint32_t of_head = crc32(std::string_view(out).substr(at, 20));
    std::memcpy(&out[at + 20], &of_head, sizeof of_head);
    at += kHead + body;
  }
  return out;
}

/// An input is a run.jsonl and, from the mark of such a file on, a requests.bin.
inline void write_record(const std::filesystem::path& folder, std::string_view input) {
  const std::size_t blocks = std::min(input.find(kBlocksMagic), input.size());
  write_file(folder / "run.jsonl", sealed_lines(input.substr(0, blocks)));
  std::filesystem::remove(folder / "requests.bin");
  if (blocks < input.size()) write_file(folder / "requests.bin", sealed_blocks(input.substr(blocks)));
}

/// The first repetitions of a committed recording, and its end: a sound record, but short.
inline std::string short_record(const std::string& name, int repetitions) {
  const std::string all = read_file("results/reference/" + name + ".jsonl");
  std::size_t end = 0;
  for (int i = 0; i <= repetitions && end != std::string::npos; ++i)
    end = all.find("{\"type\":\"repetition\"", end == 0 ? 0 : end + 1);
  const std::size_t summary = all.find("{\"type\":\"summary\"");
  expect(end < summary, "a recording of several repetitions", name);
  return all.substr(0, end) + all.substr(summary);
}

}  // namespace lab::fuzz
