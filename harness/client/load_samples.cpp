#include "harness/client/load_samples.hpp"

#include <sys/mman.h>

namespace lab {

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

SampleStore::SampleStore(SampleArena& arena) : arena_(arena) {
  blocks_.reserve(arena.blocks());
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
