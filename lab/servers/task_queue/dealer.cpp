#include "lab/servers/task_queue/dealer.hpp"

#include <utility>

namespace lab {

Dealer::Dealer(int listening, std::vector<int> channels, std::size_t first)
    : acceptor_(listening), channels_(std::move(channels)), waiting_(channels_.size()), next_(first) {}

bool Dealer::deal() {
  for (;;) {
    Accepted accepted;
    const Offer offer = acceptor_.take(accepted);
    if (offer != Offer::taken) return offer == Offer::none;
    const std::size_t slot = std::exchange(next_, (next_ + 1) % channels_.size());
    // First come, first served: nobody overtakes those who wait already.
    waiting_[slot].push_back(std::move(accepted));
    flush(slot);
  }
}

void Dealer::flush(std::size_t slot) {
  std::deque<Accepted>& queue = waiting_[slot];
  while (!queue.empty() && hand_over(channels_[slot], queue.front())) queue.pop_front();
}

}  // namespace lab
