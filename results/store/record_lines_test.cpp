#include "results/store/record_lines.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "results/report/testing/run_samples.hpp"
#include "results/store/record_blocks.hpp"

using namespace lab;
using namespace lab::samples;

namespace {

/// The line without what stands from `from` up to `to`, sealed again: as a writer that did not know it.
std::string without(std::string line, const std::string& from, const std::string& to) {
  line.resize(line.size() - kSealLength - 1);
  const std::size_t begin = line.find(from);
  REQUIRE(begin != std::string::npos);
  line.erase(begin, line.find(to, begin) - begin);
  return line + fmt::format(",\"crc32\":\"{:08x}\"}}", crc32(line, "}"));
}

std::string little_endian(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFFU);
  return out;
}

template <class Line>
std::string line_of(const Line& line) {
  std::string text;
  encode(line, text);
  return text;
}

}  // namespace

TEST_CASE("A request of an older file has no parent and no value") {
  RequestRecord record = repetition(1, 3, 0).records[2];
  const auto decoded = decode(without(line_of(RequestLine{1, record}), "\"parent\"", "\"intended_ns\""));
  REQUIRE(decoded.has_value());
  record.parent = 0;
  record.value = -1;
  CHECK(same(std::get<RequestLine>(*decoded).record, record));
}

TEST_CASE("A repetition of an older file ran at its calibrated pace and knows nothing of its server") {
  const RepetitionLine written{repetition(1, 0, 0), 1, 0, 0, false};
  const auto decoded = decode(without(line_of(written), "\"pace\"", "\"requests\""));
  REQUIRE(decoded.has_value());
  const RepetitionFacts& read = std::get<RepetitionLine>(*decoded).repetition;
  CHECK(read.pace == 1);
  CHECK_FALSE(read.server.known());
  CHECK(read.number == 1);
}

TEST_CASE("Kills keep the moments at which they were; an older file knows none, and the plan stands") {
  RepetitionLine line{repetition(1, 0, 0), 1, 0, 0, false};
  const Case planned{.id = "main", .loads = {}, .kills = {{1, 300}}};
  const auto killed = [&](const std::string& text) {
    return kills_of(std::get<RepetitionLine>(decode(text).value()).repetition, planned);
  };
  line.repetition.killed = {{2, 512}};
  REQUIRE(killed(line_of(line).substr(0, line_of(line).size() - 1)).size() == 1);
  CHECK(killed(line_of(line).substr(0, line_of(line).size() - 1)).front().at == 512);
  CHECK(killed(without(line_of(line), "\"killed\"", "\"requests\"")).front().at == 300);
  line.repetition.killed.emplace();
  CHECK(killed(line_of(line).substr(0, line_of(line).size() - 1)).empty());
}

TEST_CASE("What the master did about its workers is kept; an older file does not know") {
  RepetitionLine line{repetition(1, 0, 0), 1, 0, 0, false};
  line.repetition.supervision = {{.at = 7, .value = 9, .worker = 1, .kind = EventKind::died},
                                 {.at = 8, .value = 1, .worker = 1, .kind = EventKind::serving}};
  const auto read = [](const std::string& text) {
    return std::get<RepetitionLine>(decode(text).value()).repetition.supervision;
  };
  const Events kept = read(line_of(line).substr(0, line_of(line).size() - 1));
  REQUIRE(kept.size() == 2);
  CHECK(kept.front().value == 9);
  CHECK(kept.back().kind == EventKind::serving);
  CHECK(read(without(line_of(line), "\"supervision\"", "\"requests\"")).empty());
}

TEST_CASE("A header of an older file left no arm out") {
  const auto decoded = decode(without(line_of(header()), "\"not_run\"", "\"environment\""));
  REQUIRE(decoded.has_value());
  CHECK(std::get<RunHeader>(*decoded).not_run.empty());
}

TEST_CASE("A member of the wrong kind is named, not guessed") {
  const RepetitionLine line{repetition(1, 0, 0), 1, 0, 0, false};
  std::string text = line_of(line);
  const std::string number = "\"cpu_ns\":123456789";
  text.resize(text.size() - kSealLength - 1);
  text.replace(text.find(number), number.size(), "\"cpu_ns\":\"many\"");
  const auto decoded = decode(text + fmt::format(",\"crc32\":\"{:08x}\"}}", crc32(text, "}")));
  REQUIRE(decoded.has_error());
  CHECK(decoded.error().message.find("server") != std::string::npos);
}

TEST_CASE("A block of an older file is read without parents and values") {
  const ScratchFolder folder;
  RequestRecord record = repetition(1, 4, 0).records[3];
  const std::string block = encode_block(7, std::span(&record, 1));
  const std::string body = block.substr(24, 84);
  std::string head = block.substr(0, 6) + little_endian(84, 2) + block.substr(8, 8);
  head += little_endian(crc32(body), 4);
  head += little_endian(crc32(head), 4);
  write_bytes(folder.path() / "requests.bin", std::string(kBlocksMagic) + head + body);
  std::vector<RequestRecord> read;
  read_blocks(folder.path() / "requests.bin", {[&](std::uint32_t repetition, const RequestRecord& each) {
                                                 CHECK(repetition == 7);
                                                 read.push_back(each);
                                               },
                                               [](std::uint32_t, const Event&) { FAIL("there is no event"); },
                                               [](std::uint64_t, const std::string& what) { FAIL(what); }});
  REQUIRE(read.size() == 1);
  record.parent = 0;
  record.value = -1;
  CHECK(same(read[0], record));
}
