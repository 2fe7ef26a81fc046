#include "lab/core/record.hpp"

#include <catch2/catch.hpp>

using namespace lab;

namespace {

constexpr Outcome kOutcomes[] = {
    Outcome::ok,         Outcome::unsent,        Outcome::unfinished, Outcome::refused,
    Outcome::reset,      Outcome::closed,        Outcome::timeout,    Outcome::bad_reply,
    Outcome::bad_status, Outcome::harness_fault, Outcome::extra};

RequestRecord ended(Outcome outcome, std::uint16_t status = 0) {
  RequestRecord record;
  record.outcome = outcome;
  record.status = status;
  return record;
}

}  // namespace

TEST_CASE("Latency counts from the intended time, not from the moment of sending") {
  RequestRecord record;
  record.intended = 100;
  record.sent = 150;
  record.received = 400;
  CHECK(record.latency() == 300);
}

TEST_CASE("Books balance whatever ends how") {
  RequestCounts books;
  CHECK(books.adds_up());
  int n = 0;
  for (const Outcome outcome : kOutcomes) {
    for (int i = 0; i <= n; ++i) books.add(ended(outcome, 503));
    ++n;
    CHECK(books.adds_up());
  }
  CHECK(books.planned == 66);
  CHECK(books.ok == 1);
  CHECK(books.unfinished == 3);
  CHECK(books.unsent == 2 + 4 + 10);
  CHECK(books.sent == 50);
}

TEST_CASE("Errors are counted by kind, unexpected statuses by number") {
  RequestCounts books;
  books.add(ended(Outcome::timeout));
  books.add(ended(Outcome::bad_status, 503));
  books.add(ended(Outcome::bad_status, 503));
  books.add(ended(Outcome::bad_status, 404));
  CHECK(books.errors ==
        std::map<std::string, std::int64_t>{{"timeout", 1}, {"status_503", 2}, {"status_404", 1}});
}

TEST_CASE("A request that found no connection was not sent, and is a failure") {
  RequestCounts books;
  books.add(ended(Outcome::refused));
  books.add(ended(Outcome::unsent));
  CHECK(books.sent == 0);
  CHECK(books.unsent == 2);
  CHECK(books.errors.empty());
  CHECK(books.not_sent == std::map<std::string, std::int64_t>{{"refused", 1}});
  CHECK(books.failed() == 1);
}

TEST_CASE("Books of several repetitions add up") {
  RequestCounts first, second, both;
  for (const Outcome outcome : kOutcomes) {
    first.add(ended(outcome, 500));
    second.add(ended(outcome, 502));
    both.add(ended(outcome, 500));
    both.add(ended(outcome, 502));
  }
  first.add(second);
  CHECK(first.planned == both.planned);
  CHECK(first.sent == both.sent);
  CHECK(first.unsent == both.unsent);
  CHECK(first.ok == both.ok);
  CHECK(first.unfinished == both.unfinished);
  CHECK(first.errors == both.errors);
  CHECK(first.not_sent == both.not_sent);
  CHECK(first.adds_up());
}

TEST_CASE("Books that do not balance say so") {
  RequestCounts books;
  books.add(ended(Outcome::ok));
  ++books.sent;
  CHECK_FALSE(books.adds_up());
}

TEST_CASE("Every outcome has a word of its own") {
  std::map<std::string_view, int> words;
  for (const Outcome outcome : kOutcomes) ++words[to_string(outcome)];
  CHECK(words.size() == std::size(kOutcomes));
  CHECK(words.count("?") == 0);
}
