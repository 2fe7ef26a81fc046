#include "lab/core/schedule.hpp"

#include <algorithm>
#include <cmath>

namespace lab {

double same_log(double number) {
  constexpr double kRoot = 0.70710678118654752440;
  constexpr double kLn2High = 0x1.62e42feep-1;  // its product with an exponent is exact
  constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  int exponent = 0;
  double part = std::frexp(number, &exponent);  // exact
  if (part < kRoot) {
    part *= 2;
    --exponent;
  }
  // ln((1 + s) / (1 - s)) = 2 (s + s³/3 + s⁵/5 + …), of which |s| < 0.172 needs ten terms.
  const double s = (part - 1) / (part + 1);
  const double square = s * s;
  double sum = 0;
  for (int term = 21; term >= 3; term -= 2) sum = (sum + 1.0 / term) * square;
  return exponent * kLn2High + (2 * s + (2 * s * sum + exponent * kLn2Low));
}

std::int64_t scheduled(const Load& load) {
  switch (load.arrivals) {
    case Arrivals::closed: return std::max<std::int64_t>(0, std::min(load.clients, load.requests));
    case Arrivals::staggered: return static_cast<std::int64_t>(load.at.size());
    case Arrivals::burst:
    case Arrivals::constant:
    case Arrivals::poisson: break;
  }
  return std::max<std::int64_t>(0, load.requests);
}

ArrivalStream::ArrivalStream(const Case& load_case, std::uint64_t seed) {
  cursors_.resize(load_case.loads.size());
  for (std::size_t index = 0; index < cursors_.size(); ++index) {
    Cursor& cursor = cursors_[index];
    cursor.load = &load_case.loads[index];
    cursor.left = scheduled(*cursor.load);
    cursor.exact = static_cast<double>(cursor.load->from);
    cursor.random = seed + 0x51ED2701ULL * (index + 1);
    if (cursor.load->arrivals == Arrivals::staggered) {
      cursor.listed = cursor.load->at;
      std::ranges::stable_sort(cursor.listed);
    }
    if (cursor.left > 0) advance(cursor);
  }
}

void ArrivalStream::advance(Cursor& cursor) {
  const Load& load = *cursor.load;
  switch (load.arrivals) {
    case Arrivals::burst:
    case Arrivals::closed: cursor.at = load.from; break;
    case Arrivals::constant: cursor.at = load.from + cursor.given * load.every; break;
    case Arrivals::poisson:
      cursor.exact += next_exponential(cursor.random) * static_cast<double>(load.every);
      cursor.at = static_cast<Nanos>(cursor.exact);
      break;
    case Arrivals::staggered:
      cursor.at = load.from + cursor.listed[static_cast<std::size_t>(cursor.given)];
      break;
  }
}

std::optional<ArrivalStream::Run> ArrivalStream::next() {
  Cursor* first = nullptr;
  for (Cursor& cursor : cursors_) {
    if (cursor.left > 0 && (first == nullptr || cursor.at < first->at)) first = &cursor;
  }
  if (first == nullptr) return std::nullopt;
  const bool together = first->load->arrivals == Arrivals::burst || first->load->arrivals == Arrivals::closed;
  const Run run{first->at, static_cast<std::uint32_t>(first - cursors_.data()), together ? first->left : 1};
  first->left -= run.count;
  first->given += run.count;
  if (first->left > 0) advance(*first);
  return run;
}

std::vector<Arrival> schedule(const Case& load_case, std::uint64_t seed) {
  std::int64_t total = 0;
  for (const Load& load : load_case.loads) total += scheduled(load);
  std::vector<Arrival> arrivals;
  arrivals.reserve(static_cast<std::size_t>(total));
  ArrivalStream stream(load_case, seed);
  while (const auto run = stream.next()) {
    arrivals.insert(arrivals.end(), static_cast<std::size_t>(run->count), Arrival{run->at, run->load});
  }
  return arrivals;
}

}  // namespace lab
