#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/loader/draft.hpp"

namespace lab {

/// Who executes a list of steps, and so what may stand in it. Each allows less than the one before.
enum class Inside : std::uint8_t {
  handler,  ///< the route's own steps: everything
  loop,     ///< a part of them that still runs where the handler runs
  thread,   ///< a function in a pool, a job of a queue: only what can block, and repeat
};

/// Reads the steps of one route, whatever they are nested in, and notes where each of them stands in the
/// file, in the order of for_each_step.
class PlanReader {
 public:
  /// `owner` names the route in messages: `route 'slow'`.
  PlanReader(Draft& draft, std::string owner, std::vector<toml::source_region>& places)
      : draft_(&draft), owner_(std::move(owner)), places_(&places) {}

  /// `number` is that of the step that holds these steps, as messages write it: `2.1`; empty for the route's
  /// own.
  Plan read(const toml::node& node, const std::string& number, Inside inside, int depth);

  /// The same steps `times` times side by side.
  std::vector<Plan> copies(const Plan& plan, std::int64_t times, std::size_t first_place,
                           const toml::source_region& where);

  Draft& draft() const { return *draft_; }
  std::size_t places() const { return places_->size(); }

 private:
  Step read_step(const toml::table& table, const std::string& number, Inside inside, int depth);
  std::string naming(const std::string& number) const;
  bool too_many(std::int64_t more, const toml::source_region& where);

  Draft* draft_;
  std::string owner_;
  std::vector<toml::source_region>* places_;
};

}  // namespace lab
