#include "harness/client/load_counts.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

namespace lab {

namespace {

// As a record of a scenario's request has them, in the order of LoadError.
constexpr std::array<Outcome, kLoadErrors> kOutcomes{
    Outcome::refused,       Outcome::refused,       Outcome::reset, Outcome::closed,
    Outcome::timeout,       Outcome::bad_reply,     Outcome::reset, Outcome::reset,
    Outcome::harness_fault, Outcome::harness_fault, Outcome::extra, Outcome::bad_reply};

}  // namespace

Outcome outcome_of(LoadError error) {
  return kOutcomes[static_cast<std::size_t>(error)];
}

LoadError error_of_open(int error_number) {
  switch (error_number) {
    case ECONNREFUSED:
    case ENOENT:  // of a Unix socket: there is none, or its backlog is full
    case EAGAIN: return LoadError::refused;
    case ECONNRESET:
    case EPIPE: return LoadError::reset;
    case ETIMEDOUT: return LoadError::timeout;
    case EKEYREJECTED: return LoadError::certificate;
    case EPROTO: return LoadError::tls;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return LoadError::no_descriptors;
    case EADDRNOTAVAIL:
    case EADDRINUSE: return LoadError::no_ports;
    default: return LoadError::unreachable;
  }
}

LoadError error_of_broken(std::int64_t result) {
  switch (-result) {
    case ECONNREFUSED: return LoadError::refused;
    case EPROTO: return LoadError::tls;
    case ETIMEDOUT: return LoadError::timeout;
    case ECONNABORTED: return LoadError::closed;
    default: return LoadError::reset;
  }
}

void LoadCounts::add(const LoadCounts& other) {
  if (other.sent > 0) {
    first_sent = sent > 0 ? std::min(first_sent, other.first_sent) : other.first_sent;
    last_sent = sent > 0 ? std::max(last_sent, other.last_sent) : other.last_sent;
  }
  last_end = std::max(last_end, other.last_end);
  const auto sum = [](auto& into, const auto& from) {
    for (std::size_t i = 0; i < into.size(); ++i) into[i] += from[i];
  };
  sum(errors, other.errors);
  sum(not_sent, other.not_sent);
  sum(unexpected, other.unexpected);
  sum(statuses, other.statuses);
  for (auto part : {&LoadCounts::planned, &LoadCounts::unsent, &LoadCounts::sent, &LoadCounts::ok,
                    &LoadCounts::unfinished, &LoadCounts::bytes_sent, &LoadCounts::bytes_received,
                    &LoadCounts::connections, &LoadCounts::connecting, &LoadCounts::closed_by_server,
                    &LoadCounts::closed_before, &LoadCounts::closed_in, &LoadCounts::closed_after,
                    &LoadCounts::waited, &LoadCounts::warm_up, &LoadCounts::gave_up}) {
    this->*part += other.*part;
  }
}

RequestCounts LoadCounts::books() const {
  RequestCounts books{planned, unsent, sent, ok, unfinished};
  for (std::size_t kind = 0; kind < errors.size(); ++kind) {
    const std::string name(to_string(static_cast<LoadError>(kind)));
    if (errors[kind] > 0) books.errors[name] = errors[kind];
    if (not_sent[kind] > 0) books.not_sent[name] = not_sent[kind];
  }
  for (std::size_t status = 0; status < unexpected.size(); ++status) {
    if (unexpected[status] > 0) books.errors[fmt::format("status_{}", status)] = unexpected[status];
  }
  return books;
}

SampleArena::SampleArena(std::size_t samples) : blocks_((samples + kBlock - 1) / kBlock) {
  // Untouched pages cost nothing; a huge page would be cleared in the middle of a run.
  const std::size_t size = blocks_ * kBlock * sizeof(LoadSample);
  void* const memory = size == 0 ? MAP_FAILED
                                 : mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    blocks_ = 0;
    return;
  }
  madvise(memory, size, MADV_NOHUGEPAGE);
  memory_ = static_cast<LoadSample*>(memory);
}

SampleArena::~SampleArena() {
  if (memory_ != nullptr) munmap(memory_, blocks_ * kBlock * sizeof(LoadSample));
}

std::span<LoadSample> SampleArena::take_block() noexcept {
  // Relaxed: the number alone is shared; who joins the threads sees what they wrote.
  const std::size_t block = taken_.fetch_add(1, std::memory_order_relaxed);
  if (block >= blocks_) return {};
  return {memory_ + block * kBlock, kBlock};
}

bool SampleStore::next_block() noexcept {
  if (blocks_.size() == blocks_.capacity()) return false;
  const std::span<LoadSample> block = arena_.take_block();
  if (block.empty()) return false;
  block_ = block;
  blocks_.push_back(block);
  used_ = 0;
  return true;
}

void SampleStore::spill(const LoadSample& sample) noexcept {
  latency_.add(sample.latency);
  uncorrected_.add(sample.uncorrected);
  lag_.add(sample.lag);
}

void SampleStore::append_to(std::vector<LoadSample>& samples) const {
  for (const std::span<LoadSample>& block : blocks_) {
    const std::size_t filled = &block == &blocks_.back() ? used_ : block.size();
    samples.insert(samples.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(filled));
  }
}

void SampleStore::pour_into(LoadDistributions& into) const {
  std::vector<Nanos> values;
  values.reserve(SampleArena::kBlock);
  const auto pour = [&](Nanos LoadSample::*part, const Histogram& rest, Distribution& target) {
    for (const std::span<LoadSample>& block : blocks_) {
      const std::size_t filled = &block == &blocks_.back() ? used_ : block.size();
      values.clear();
      for (const LoadSample& sample : block.first(filled)) values.push_back(sample.*part);
      target.add(values);
    }
    target.add(rest);
  };
  pour(&LoadSample::latency, latency_, into.latency);
  pour(&LoadSample::uncorrected, uncorrected_, into.uncorrected);
  pour(&LoadSample::lag, lag_, into.lag);
}

}  // namespace lab
