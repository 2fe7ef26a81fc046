// For inputs that are lines of text: scenarios, records, submissions. A single value is changed, a line is
// doubled, moved or left out, so that more than the first few readers of the text are reached.

#include <algorithm>
#include <random>
#include <string>

#include "tests/fuzz/fuzz.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t room);

namespace lab::fuzz {

namespace {

/// As libFuzzer changes bytes.
std::string changed(std::string text) {
  constexpr std::size_t kLonger = 32;
  const std::size_t size = text.size();
  text.resize(size + kLonger);
  text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), size, text.size()));
  return text;
}

/// What stands between two of the line's commas, blanks or brackets.
std::string with_changed_value(const std::string& line, std::size_t somewhere) {
  constexpr const char* kBetween = ",: []{}";
  const std::size_t before = line.find_last_of(kBetween, somewhere);
  const std::size_t from = before == std::string::npos ? 0 : before + 1;
  const std::size_t to = std::min(line.find_first_of(kBetween, from), line.size());
  return line.substr(0, from) + changed(line.substr(from, to - from)) + line.substr(to);
}

}  // namespace

}  // namespace lab::fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t room,
                                               unsigned seed) {
  std::minstd_rand random(seed);
  std::string input(lab::fuzz::text_of(data, size));
  const auto start_of_line = [&] {
    return input.empty() ? 0 : input.rfind('\n', random() % input.size()) + 1;
  };
  const std::size_t begin = start_of_line();
  const std::size_t end = std::min(input.find('\n', begin), input.size());
  const unsigned choice = random() % 8;
  if (begin >= end || choice == 0) return LLVMFuzzerMutate(data, size, room);
  const std::string line = input.substr(begin, end - begin);
  if (choice == 1 || choice == 2) input.erase(begin, line.size() + 1);
  if (choice == 2 || choice == 3) input.insert(start_of_line(), line + "\n");
  if (choice > 3) {
    const std::string changed = lab::fuzz::with_changed_value(line, random() % line.size());
    input.replace(begin, line.size(), changed);
  }
  const std::size_t kept = std::min(input.size(), room);
  std::copy_n(input.begin(), kept, data);
  return kept;
}
