#pragma once

#include <deque>
#include <vector>

#include "lab/servers/worker/connection_source.hpp"

namespace lab {

/// The master's side of the accept policy `handoff`: takes connections and deals them to the workers in turn,
/// so ten connections on four workers are always 3-3-2-2. A worker that does not take its own keeps its
/// place; what does not fit into its channel waits here. Not thread-safe.
class Dealer {
 public:
  Dealer(int listening, std::vector<int> channels, std::size_t first);

  /// Takes all connections that wait. False: descriptors have run out.
  bool deal();
  /// Hands over what waits for this slot.
  void flush(std::size_t slot);
  bool has_waiting(std::size_t slot) const { return !waiting_[slot].empty(); }

 private:
  Acceptor acceptor_;
  std::vector<int> channels_;
  std::vector<std::deque<Accepted>> waiting_;
  std::size_t next_;
};

}  // namespace lab
