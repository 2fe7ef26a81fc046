// What the fuzzers share. A fuzzer is one file: `seeds()`, what it begins with beside the files that
// test_fuzz.py gives it, and libFuzzer's entry, which is called with millions of inputs and must hold its
// promises for each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lab::fuzz {

/// The inputs that this fuzzer begins with.
std::vector<std::string> seeds();

/// Ends the program, which makes the input a finding, where it does not hold.
void expect(bool holds, std::string_view what, std::string_view seen = {});

/// `read` says what became of an input that comes in pieces of so many bytes. It must be the same whatever
/// they are.
template <class Read>
void expect_same_in_pieces(std::string_view input, Read read) {
  const std::string whole = read(input, input.size());
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}}) {
    const std::string seen = read(input, piece);
    expect(seen == whole, "in one piece", whole + "in pieces of " + std::to_string(piece) + ":\n" + seen);
  }
}

/// One line that a terminal can show.
void expect_printable(std::string_view message);

/// The bytes of a file of the checkout, `scenarios/gil.toml`.
std::string read_file(const std::filesystem::path& name);

/// A folder of this process in the memory of the machine where it has one, removed at its end.
const std::filesystem::path& scratch();
void write_file(const std::filesystem::path& path, std::string_view bytes);

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace lab::fuzz
