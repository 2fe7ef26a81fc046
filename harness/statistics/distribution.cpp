#include "harness/statistics/distribution.hpp"

#include <algorithm>

#include "harness/statistics/statistics.hpp"

namespace lab {

void Distribution::note(Nanos smallest, Nanos largest, std::int64_t count) {
  min_ = size_ == 0 ? smallest : std::min(min_, smallest);
  max_ = size_ == 0 ? largest : std::max(max_, largest);
  size_ += count;
}

void Distribution::pour() {
  if (histogram_) return;
  histogram_.emplace();
  for (const Nanos value : exact_) histogram_->add(value);
  exact_ = {};
}

void Distribution::add(std::span<const Nanos> values) {
  if (values.empty()) return;
  const auto [smallest, largest] = std::ranges::minmax_element(values);
  note(*smallest, *largest, static_cast<std::int64_t>(values.size()));
  if (static_cast<std::size_t>(size_) > most_exact_) pour();
  if (histogram_) {
    for (const Nanos value : values) histogram_->add(value);
  } else {
    exact_.insert(exact_.end(), values.begin(), values.end());
  }
}

void Distribution::add(const Histogram& counts) {
  if (counts.count() == 0) return;
  note(counts.min(), counts.max(), static_cast<std::int64_t>(counts.count()));
  pour();
  histogram_->merge(counts);
}

void Distribution::merge(const Distribution& other) {
  add(other.exact_);
  if (other.histogram_) add(*other.histogram_);
}

std::optional<Nanos> Distribution::quantile(double q) {
  if (histogram_) return histogram_->quantile(q);
  if (size_ == 0) return std::nullopt;
  const auto place = exact_.begin() + rank_of(q, exact_.size()) - 1;
  std::nth_element(exact_.begin(), place, exact_.end());
  return *place;
}

std::optional<Nanos> Distribution::supported_quantile(double q) {
  return carries_percentile(size_, q) ? quantile(q) : std::nullopt;
}

void Distribution::for_each(const std::function<void(Nanos, std::int64_t)>& visit) const {
  for (const Nanos value : exact_) visit(value, 1);
  if (!histogram_) return;
  histogram_->for_each(
      [&](Nanos value, std::uint64_t count) { visit(value, static_cast<std::int64_t>(count)); });
}

}  // namespace lab
