#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "results/report/testing/run_samples.hpp"
#include "results/store/record_lines.hpp"
#include "results/store/store.hpp"

using namespace lab;
using namespace lab::samples;
namespace fs = std::filesystem;

namespace {

fs::path save(const fs::path& folder, const RunHeader& head, const std::vector<RunRepetition>& repetitions,
              std::size_t lines_at_most) {
  RunWriter writer = RunWriter::create(folder, false, head, {lines_at_most, nullptr}).value();
  for (const RunRepetition& each : repetitions) writer.add(each);
  return writer.finish({true, "", "", {}}).value();
}

RunHeader small_header() {
  RunHeader head;
  head.scenario = "s";
  head.started_utc = "2026-11-21T09:30:00Z";
  return head;
}

/// Silence about a flipped bit is the only wrong answer.
bool noticed(const fs::path& folder) {
  const Result<Run> run = read_run(folder);
  return run.has_error() || !run.value().damage.empty();
}

std::size_t records_in(const Run& run) {
  std::size_t sum = 0;
  for (const RunRepetition& each : run.repetitions) sum += each.records.size();
  return sum;
}

void patch_byte(const fs::path& file, std::size_t at, char byte) {
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(static_cast<std::streamoff>(at));
  out.put(byte);
}

std::vector<std::size_t> unnoticed_flips(const fs::path& folder, const fs::path& file) {
  const std::string sound = bytes_of(file);
  std::vector<std::size_t> missed;
  // Steps of 1, or of 11, which meet each bit of a byte as often.
  for (std::size_t bit = 0; bit < sound.size() * 8; bit += LAB_TEST_DIVISOR + LAB_TEST_DIVISOR / 10) {
    const std::size_t at = bit / 8;
    patch_byte(file, at, static_cast<char>(sound[at] ^ (1 << (bit % 8))));
    if (!noticed(folder)) missed.push_back(bit);
    patch_byte(file, at, sound[at]);
  }
  return missed;
}

}  // namespace

TEST_CASE("Each repetition that is whole is handed over once, before the next one is read") {
  const std::size_t lines_at_most = GENERATE(std::size_t{1}, std::size_t{100});
  const ScratchFolder folder;
  RunWriter writer = RunWriter::create(folder.path(), false, header(), {lines_at_most, nullptr}).value();
  for (int number = 1; number <= 3; ++number) writer.add(repetition(number, 20, 5'000));
  const fs::path path = writer.finish({true, "", "", {}}).value();
  std::vector<RunRepetition> taken;
  const Run run = read_run(path, {.whole =
                                      [&](RunRepetition& one) {
                                        taken.push_back(one);
                                        one.records = {};
                                        one.events = {};
                                      }})
                      .value();
  CHECK(run.damage.empty());
  REQUIRE(taken.size() == 3);
  REQUIRE(run.repetitions.size() == 3);
  for (int number = 1; number <= 3; ++number) {
    const auto i = static_cast<std::size_t>(number - 1);
    CHECK(same(taken[i], repetition(number, 20, 5'000)));
    CHECK(run.repetitions[i].number == number);
    CHECK(run.repetitions[i].records.empty());
  }
}

TEST_CASE("A repetition of which something is lost is not handed over") {
  const ScratchFolder folder;
  RunWriter writer = RunWriter::create(folder.path(), false, header()).value();
  writer.add(repetition(1, 20, 0));
  writer.add(repetition(2, 20, 0));
  const fs::path path = writer.finish({true, "", "", {}}).value();
  std::string bytes = bytes_of(path / "run.jsonl");
  bytes[bytes.find("\"type\":\"request\"") + 3] ^= 4;
  write_bytes(path / "run.jsonl", bytes);
  std::vector<int> taken;
  const Run run = read_run(path, {.whole = [&](RunRepetition& one) { taken.push_back(one.number); }}).value();
  CHECK(taken == std::vector<int>{2});
  CHECK(run.repetitions.size() == 2);
  CHECK_FALSE(run.damage.empty());
}

TEST_CASE("Every flipped bit of run.jsonl is noticed") {
  const ScratchFolder folder;
  const fs::path path = save(folder.path(), small_header(), {repetition(1, 1, 1)}, 10);
  CHECK(unnoticed_flips(path, path / "run.jsonl").empty());
  CHECK_FALSE(noticed(path));
}

TEST_CASE("Every flipped bit of requests.bin is noticed") {
  const ScratchFolder folder;
  const fs::path path = save(folder.path(), small_header(), {repetition(1, 2, 2)}, 1);
  CHECK(unnoticed_flips(path, path / "requests.bin").empty());
  CHECK_FALSE(noticed(path));
}

TEST_CASE("A damaged line costs that line alone, and its offset is reported") {
  const ScratchFolder folder;
  const fs::path path = save(folder.path(), small_header(), {repetition(1, 10, 0)}, 100);
  std::string bytes = bytes_of(path / "run.jsonl");
  const std::size_t line = bytes.find("{\"type\":\"request\",\"repetition\":1,\"id\":4");
  bytes[line + 60] ^= 1;
  write_bytes(path / "run.jsonl", bytes);
  const Run run = read_run(path).value();
  CHECK(records_in(run) == 9);
  CHECK(run.damage == std::vector<std::string>{
                          fmt::format("run.jsonl: byte {}: line 6: checksum differs", line),
                          "repetition 1 (async-loop): 9 of 10 requests and 0 of 0 events could be read"});
  CHECK_FALSE(run.summary.complete);
  CHECK(run.summary.reason == "its record is damaged: " + run.damage.front());
}

TEST_CASE("Damage of a run that was incomplete before is said beside the first reason") {
  const ScratchFolder folder;
  RunWriter writer = RunWriter::create(folder.path(), false, small_header()).value();
  writer.add(repetition(1, 10, 0));
  const fs::path path = writer.finish({false, "interrupted", "", {}}).value();
  std::string bytes = bytes_of(path / "run.jsonl");
  bytes[bytes.find("\"id\":4")] ^= 1;
  write_bytes(path / "run.jsonl", bytes);
  const Run run = read_run(path).value();
  CHECK(run.summary.reason == "interrupted; its record is damaged: " + run.damage.front());
}

TEST_CASE("A damaged line end costs no record") {
  const ScratchFolder folder;
  const fs::path path = save(folder.path(), small_header(), {repetition(1, 10, 0)}, 100);
  std::string bytes = bytes_of(path / "run.jsonl");
  const std::size_t end = bytes.find('\n', bytes.find("\"id\":4"));
  bytes[end] ^= 1;
  write_bytes(path / "run.jsonl", bytes);
  const Run run = read_run(path).value();
  CHECK(records_in(run) == 10);
  CHECK(run.damage ==
        std::vector<std::string>{fmt::format("run.jsonl: byte {}: the line's end is damaged", end)});
}

TEST_CASE("A lost header leaves all else readable") {
  const ScratchFolder folder;
  const fs::path path = save(folder.path(), small_header(), {repetition(1, 10, 5)}, 100);
  std::string bytes = bytes_of(path / "run.jsonl");
  bytes[40] ^= 1;
  write_bytes(path / "run.jsonl", bytes);
  const Run run = read_run(path).value();
  CHECK(run.header.scenario.empty());
  CHECK(records_in(run) == 10);
  CHECK(run.damage == std::vector<std::string>{"run.jsonl: byte 0: line 1: checksum differs",
                                               "run.jsonl: the header is lost"});
}

TEST_CASE("Requests of a repetition whose own line is lost are counted as lost") {
  const ScratchFolder folder;
  const fs::path path = save(folder.path(), small_header(), {repetition(1, 4, 0), repetition(2, 5, 0)}, 100);
  std::string bytes = bytes_of(path / "run.jsonl");
  bytes[bytes.find("{\"type\":\"repetition\",\"repetition\":2") + 50] ^= 1;
  write_bytes(path / "run.jsonl", bytes);
  const Run run = read_run(path).value();
  REQUIRE(run.repetitions.size() == 1);
  CHECK(same(run.repetitions[0], repetition(1, 4, 0)));
  REQUIRE(run.damage.size() == 3);
  CHECK(run.damage[1] == "repetition 2: its line is lost, and with it 5 requests and 0 events");
  CHECK(run.damage[2] == "1 of 2 repetitions could be read");
}

TEST_CASE("A line that vanished whole is missed") {
  const ScratchFolder folder;
  const fs::path path = save(folder.path(), small_header(), {repetition(1, 4, 0)}, 100);
  const std::string bytes = bytes_of(path / "run.jsonl");
  for (std::size_t from = 0, end = 0; from < bytes.size(); from = end) {
    end = bytes.find('\n', from) + 1;
    write_bytes(path / "run.jsonl", bytes.substr(0, from) + bytes.substr(end));
    INFO("without the line at " << from);
    CHECK(noticed(path));
    write_bytes(path / "run.jsonl", bytes.substr(0, end) + bytes.substr(from));
    INFO("with the line at " << from << " twice");
    CHECK(noticed(path));
  }
}

TEST_CASE("A record cut off at any byte is read up to there and called incomplete") {
  const ScratchFolder folder;
  const fs::path path = save(folder.path(), small_header(), {repetition(1, 2, 1), repetition(2, 2, 1)}, 10);
  const std::string bytes = bytes_of(path / "run.jsonl");
  const std::size_t header_end = bytes.find('\n');
  const RunRepetition whole = repetition(1, 2, 1);
  std::size_t most = 4;
  for (std::size_t size = bytes.size(); size-- > 0;) {
    fs::resize_file(path / "run.jsonl", size);
    const Result<Run> run = read_run(path);
    INFO("cut off at " << size);
    CHECK(run.has_value() == (size >= header_end));
    if (!run) continue;
    CHECK_FALSE(run.value().damage.empty());
    CHECK_FALSE(run.value().summary.complete);
    CHECK_FALSE(run.value().summary.reason.empty());
    const std::size_t records = records_in(run.value());
    CHECK(records <= most);
    CHECK(records + 1 >= most);
    most = records;
    if (records > 2) CHECK(same(run.value().repetitions[0], whole));
  }
  CHECK(most == 0);
}

TEST_CASE("requests.bin cut off at any byte costs the blocks behind the cut") {
  const ScratchFolder folder;
  const fs::path path = save(folder.path(), small_header(), {repetition(1, 2, 0), repetition(2, 3, 0)}, 1);
  const std::string bytes = bytes_of(path / "requests.bin");
  const std::size_t second = 8 + 24 + 2 * 96;
  for (std::size_t size = bytes.size(); size-- > 0;) {
    fs::resize_file(path / "requests.bin", size);
    const Run run = read_run(path).value();
    INFO("cut off at " << size);
    CHECK_FALSE(run.damage.empty());
    CHECK(records_in(run) == (size >= second ? 2 : 0));
    CHECK(run.repetitions.size() == 2);
  }
  fs::remove(path / "requests.bin");
  CHECK(read_run(path).value().damage.at(0) == "requests.bin: byte 0: No such file or directory");
}

TEST_CASE("Reading goes on at the next sound block") {
  const ScratchFolder folder;
  const std::vector<RunRepetition> three{repetition(1, 5, 0), repetition(2, 6, 0), repetition(3, 7, 0)};
  const fs::path path = save(folder.path(), small_header(), three, 1);
  std::string bytes = bytes_of(path / "requests.bin");
  bytes[8 + 24 + 5 * 96 + 12] ^= 1;  // how many entries the second block has
  write_bytes(path / "requests.bin", bytes);
  const Run run = read_run(path).value();
  REQUIRE(run.repetitions.size() == 3);
  CHECK(same(run.repetitions[0], three[0]));
  CHECK(run.repetitions[1].records.empty());
  CHECK(same(run.repetitions[2], three[2]));
  CHECK(run.damage.at(0) ==
        fmt::format("requests.bin: byte {}: {} bytes are no block", 8 + 24 + 5 * 96, 24 + 6 * 96));
}

TEST_CASE("A file full of damage is reported in a hundred lines and a number") {
  const ScratchFolder folder;
  std::string bytes;
  encode(small_header(), bytes);
  for (int i = 0; i < 500; ++i) bytes += "garbage\n";
  write_bytes(folder.path() / "run.jsonl", bytes);
  const Run run = read_run(folder.path()).value();
  CHECK(run.damage.size() == 101);
  CHECK(run.damage.back() == "and 400 more");
}

TEST_CASE("Lines that are sealed but wrong are refused with the member's name") {
  const auto problem = [](const std::string& body) {
    const std::string line =
        body.substr(0, body.size() - 1) + fmt::format(",\"crc32\":\"{:08x}\"}}", crc32(body));
    const Result<RunLine> decoded = decode(line);
    return decoded ? std::string() : decoded.error().message;
  };
  CHECK(
      problem(
          R"({"type":"summary","complete":true,"reason":"","noise":"","environment":{},"repetitions":1,"lines":2})")
          .empty());
  CHECK(
      problem(
          R"({"type":"summary","complete":1,"reason":"","noise":"","environment":{},"repetitions":1,"lines":2})") ==
      "member 'complete' is missing or wrong");
  CHECK(
      problem(
          R"({"type":"summary","complete":true,"reason":"","noise":"","environment":{},"repetitions":-1,"lines":2})") ==
      "member 'repetitions' is missing or wrong");
  CHECK(problem(R"({"type":"events","repetition":1,"events":[[1,"read","loop",0,0,70000000000,0]]})") ==
        "member 'events' is missing or wrong");
  CHECK(problem(R"({"type":"events","repetition":1,"events":[[1,"sneezed","loop",0,0,1,0]]})") ==
        "member 'events' is missing or wrong");
  CHECK(problem(R"({"type":"later","anything":1})").empty());
  CHECK(problem(R"({"type":[})") == "not a JSON object");
  CHECK(problem(R"({"kind":"summary"})") == "member 'type' is missing or wrong");
}
