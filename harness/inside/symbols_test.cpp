#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "harness/inside/probe_lines.hpp"
#include "lab/core/temporary.hpp"

using namespace lab;

TEST_CASE("What addr2line knows of an address becomes places, what was inlined there first") {
  const auto places = places_in(
      "0x000000000000680d\n"
      "void std::this_thread::sleep_for<long>(std::chrono::duration<long> const&)\n"
      "/usr/include/c++/12/bits/this_thread_sleep.h:80\n"
      "(anonymous namespace)::slow_report(int, void (*)())\n"
      "/srv/asio_server.cpp:15 (discriminator 2)\n"
      "0x0000000000015d0b\n"
      "main\n"
      "??:0\n"
      "0x0000000000015d0c\n"
      "??\n"
      "??:0\n");
  REQUIRE(places.size() == 3);
  CHECK(places.at(0x680d) == CodeStack{{"/usr/include/c++/12/bits/this_thread_sleep.h", 80,
                                        "void std::this_thread::sleep_for<long>"},
                                       {"/srv/asio_server.cpp", 15, "(anonymous namespace)::slow_report"}});
  CHECK(places.at(0x15d0b) == CodeStack{{"", 0, "main"}});
  CHECK(places.at(0x15d0c).empty());
}

TEST_CASE("Damaged output of addr2line is taken as far as it is understood") {
  CHECK(places_in("").empty());
  CHECK(places_in("main\n/srv/a.cpp:3\n").empty());
  CHECK(places_in("0x10\nmain").at(0x10).empty());
  CHECK(places_in("0x10\n)\nno colon\n").at(0x10) == CodeStack{{"no colon", 0, ")"}});
}

TEST_CASE("A frame of an object file that can't be read stays as it is") {
  ProbeLines lines;
  const CodeStack stack{{"/no/such/object", 0, "", 4711}, {"/srv/main.py", 17, "report"}};
  lines.late.push_back({1, 0, kSecond, stack, {}});
  resolve_symbols(lines);
  CHECK(lines.late.front().stack == stack);
  REQUIRE(lines.errors.size() == 1);
  CHECK(lines.errors.front().find("no line of /no/such/object is known: addr2line") == 0);
}

TEST_CASE("A program has symbols, one that was stripped and what is no program have none") {
  CHECK(has_symbols(std::filesystem::read_symlink("/proc/self/exe")));
  CHECK_FALSE(has_symbols("/bin/sh"));
  CHECK_FALSE(has_symbols("/no/such/object"));
  const auto folder = TemporaryFolder::create("lab-files").value();
  std::ofstream(folder.path() / "cut") << "\177ELF";
  CHECK_FALSE(has_symbols(folder.path() / "cut"));
}

TEST_CASE("The C library and the headers of libraries are nobody's own code") {
  for (const char* file :
       {"/lib/x86_64-linux-gnu/libc.so.6", "/usr/include/boost/asio/post.hpp", "/usr/lib/x.so"})
    CHECK(is_of_system(file));
  for (const char* file : {"/srv/lib/main.cpp", "/home/ada/usr/include/x.hpp", ""})
    CHECK_FALSE(is_of_system(file));
}
