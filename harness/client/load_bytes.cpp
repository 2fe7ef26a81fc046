#include "harness/client/load_bytes.hpp"

#include <cassert>
#include <cstring>
#include <type_traits>

namespace lab {

namespace {

class Writer {
 public:
  template <class Value>
  void put(const Value& value) {
    static_assert(std::is_trivially_copyable_v<Value>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void put(std::string_view text) {
    put(text.size());
    bytes_ += text;
  }
  void put(const Distribution& values) {
    put(values.exact().size());
    bytes_.append(reinterpret_cast<const char*>(values.exact().data()), values.exact().size_bytes());
    std::string counts;
    if (values.histogram()) {
      values.histogram()->for_each([&](Nanos value, std::uint64_t count) {
        const std::pair<Nanos, std::uint64_t> part{value, count};
        counts.append(reinterpret_cast<const char*>(&part.first), sizeof part.first);
        counts.append(reinterpret_cast<const char*>(&part.second), sizeof part.second);
      });
    }
    put(std::string_view(counts));
    put(values.min());
    put(values.max());
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  template <class Value>
  Value get() {
    Value value{};
    assert(rest_.size() >= sizeof value);
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  std::string_view text() {
    const auto size = get<std::size_t>();
    assert(rest_.size() >= size);
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }
  void add_to(Distribution& values) {
    std::vector<Nanos> exact(get<std::size_t>());
    if (!exact.empty()) std::memcpy(exact.data(), rest_.data(), exact.size() * sizeof(Nanos));
    rest_.remove_prefix(exact.size() * sizeof(Nanos));
    values.add(exact);
    Reader counts(text());
    const auto smallest = get<Nanos>();
    const auto largest = get<Nanos>();
    if (counts.rest_.empty()) return;
    Histogram histogram;
    while (!counts.rest_.empty()) {
      const auto value = counts.get<Nanos>();
      histogram.add(std::clamp(value, smallest, largest), counts.get<std::uint64_t>());
    }
    values.add(histogram);
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::string to_bytes(const LoadTotals& totals) {
  Writer writer;
  writer.put(totals.counts);
  writer.put(totals.interrupted);
  writer.put(std::string_view(totals.first_problem));
  for (const LoadDistributions* part : {&totals.samples, &totals.error_replies}) {
    for (const Distribution* values : {&part->latency, &part->uncorrected, &part->lag}) writer.put(*values);
  }
  writer.put(std::string_view(reinterpret_cast<const char*>(totals.kept.data()),
                              totals.kept.size() * sizeof(LoadSample)));
  writer.put(totals.warnings.size());
  for (const std::string& warning : totals.warnings) writer.put(std::string_view(warning));
  return writer.take();
}

void add_bytes(std::string_view bytes, LoadTotals& totals) {
  Reader reader(bytes);
  totals.counts.add(reader.get<LoadCounts>());
  totals.interrupted |= reader.get<bool>();
  const std::string_view problem = reader.text();
  if (totals.first_problem.empty()) totals.first_problem = problem;
  for (LoadDistributions* part : {&totals.samples, &totals.error_replies}) {
    for (Distribution* values : {&part->latency, &part->uncorrected, &part->lag}) reader.add_to(*values);
  }
  const std::string_view kept = reader.text();
  const std::size_t before = totals.kept.size();
  totals.kept.resize(before + kept.size() / sizeof(LoadSample));
  if (!kept.empty()) std::memcpy(&totals.kept[before], kept.data(), kept.size());
  for (auto left = reader.get<std::size_t>(); left > 0; --left) totals.warnings.emplace_back(reader.text());
}

}  // namespace lab
