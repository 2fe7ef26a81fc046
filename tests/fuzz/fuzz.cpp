#include "tests/fuzz/fuzz.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "lab/core/process.hpp"

namespace lab::fuzz {

namespace fs = std::filesystem;

void expect(bool holds, std::string_view what, std::string_view seen) {
  if (holds) return;
  fmt::print(stderr, "does not hold: {}\n{}\n", what, seen);
  std::abort();
}

void expect_printable(std::string_view message) {
  const auto shown = [](char letter) { return static_cast<unsigned char>(letter) >= 0x20 && letter != 0x7f; };
  expect(!message.empty() && std::all_of(message.begin(), message.end(), shown), "one printable line",
         message);
}

std::string read_file(const fs::path& name) {
  std::ifstream file(checkout_root().value_or(".") / name, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  expect(!bytes.empty(), "this file is there", name.string());
  return bytes;
}

void write_file(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

const fs::path& scratch() {
  struct Folder {
    Folder() {
      std::string name = fs::exists("/dev/shm") ? "/dev/shm/lab-fuzz-XXXXXX" : "/tmp/lab-fuzz-XXXXXX";
      expect(mkdtemp(name.data()) != nullptr, "a folder can be made", name);
      path = name;
    }
    ~Folder() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
    fs::path path;
  };
  static const Folder folder;
  return folder.path;
}

}  // namespace lab::fuzz

/// Called once, before the corpus is read: $LAB_FUZZ_SEEDS is a folder of it.
extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  const char* const folder = std::getenv("LAB_FUZZ_SEEDS");
  if (folder == nullptr) return 0;
  int number = 0;
  for (const std::string& seed : lab::fuzz::seeds())
    lab::fuzz::write_file(std::filesystem::path(folder) / fmt::format("seed-{:03}", ++number), seed);
  return 0;
}
