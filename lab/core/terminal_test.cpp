#include "lab/core/terminal.hpp"

#include <catch2/catch.hpp>

using namespace lab;

TEST_CASE("A command is spelt as the program was called, wherever it stands in a text") {
  CHECK(as_called("lab run gil", "./labw") == "./labw run gil");
  CHECK(as_called("see `lab run gil`, then lab explain LAB101.", "../labw") ==
        "see `../labw run gil`, then ../labw explain LAB101.");
  CHECK(as_called("lab list shows all; try lab quiz.", "./labw") ==
        "./labw list shows all; try ./labw quiz.");
  CHECK(as_called("Usage: lab [OPTIONS]; see lab --help", "./labw") ==
        "Usage: ./labw [OPTIONS]; see ./labw --help");
  CHECK(as_called("./labw setup --with fastapi", "../labw") == "../labw setup --with fastapi");
}

TEST_CASE("Text that is no command stays, and so does everything where the program is installed") {
  for (const char* text : {"the lab runs it", "lab: warning", "/usr/bin/lab run gil", "lab run-time", "a lab",
                           "./labw run gil", "lab setup", "slab run"}) {
    CHECK(as_called(text, "./labw") == text);
  }
  CHECK(as_called("lab run gil", "lab") == "lab run gil");
}
