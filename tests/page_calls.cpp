// Answers the page's calls natively, one a line from stdin, as WebAssembly answers them in a browser: the
// suite holds the two against each other (tests/e2e/test_page_model.py). With `--time N` each call is
// answered N times, and stderr says how many milliseconds the fastest took.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "lab/core/clock.hpp"
#include "lab/page/page.hpp"

int main(int argc, char** argv) {
  const bool timed = argc == 3 && std::string_view(argv[1]) == "--time";
  const int times = timed ? std::atoi(argv[2]) : 1;
  for (std::string line; std::getline(std::cin, line);) {
    std::string answer;
    lab::Nanos fastest = lab::kNever;
    for (int i = 0; i < times; ++i) {
      const lab::Nanos began = lab::monotonic_now();
      answer = lab::answer_call(line);
      fastest = std::min(fastest, lab::monotonic_now() - began);
    }
    std::cout << answer;
    if (timed) std::cerr << fmt::format("{:.2f} ms\n", lab::seconds(fastest) * 1e3);
  }
}
