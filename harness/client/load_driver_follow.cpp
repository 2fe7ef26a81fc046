// What follows a reply: questions about it, and what the case does to the server meanwhile.

#include <algorithm>

#include "harness/client/load_driver.hpp"
#include "harness/trace/reply_json.hpp"

namespace lab {

namespace {
// A worker that died just now is there again within a few milliseconds.
constexpr Nanos kBetweenKills = 5 * kMillisecond;
constexpr Nanos kKillPatience = 500 * kMillisecond;
}  // namespace

LoadDriver::Chain& LoadDriver::chain_of(std::uint32_t connection) {
  if (connection >= chains_.size())
    chains_.resize(std::max<std::size_t>(connection + 1, connections_.size()));
  return chains_[connection];
}

/// Whether the reply leads to questions, asked on this connection; a closed load's client goes on with its
/// own requests, so its questions take a connection of their own.
bool LoadDriver::begin_chain(std::uint32_t index, Nanos now, std::string_view body) {
  const std::uint32_t load_index = connections_[index].load;
  const Load& load = case_.loads[load_index];
  const std::uint32_t request = connections_[index].request;
  if (load.keep.empty()) return false;
  const auto value = json_number(body, load.keep);
  if (!value) return false;
  records_[request].value = *value;
  if (!load.then) return false;
  const bool apart = load.arrivals == Arrivals::closed;
  const std::uint32_t asking = apart ? take_spare(load_index) : index;
  chain_of(asking) = {request, *value, now + load.then->at_most};
  follow_ups_.push({now + load.then->every, asking});
  return !apart;
}

void LoadDriver::continue_chain(std::uint32_t index, Nanos now) {
  const Then& then = *case_.loads[connections_[index].load].then;
  const Nanos next = now + then.every;
  if (next > chain_of(index).until) return end_chain(index);
  follow_ups_.push({next, index});
}

void LoadDriver::end_chain(std::uint32_t index) {
  chain_of(index).first = kNoRequest;
  Connection& connection = connections_[index];
  if (connection.spare) {
    drop(index);
    spares_.push_back(index);
  } else if (is_pooled(case_.loads[connection.load])) {
    make_idle(index);
  }
}

void LoadDriver::issue_follow_up(std::uint32_t index, Nanos intended) {
  if (gave_up_) return end_chain(index);
  const std::uint32_t request = append_record();
  RequestRecord& record = records_[request];
  const RequestRecord& first = records_[chain_of(index).first];
  record.load = first.load;
  record.parent = first.id;
  record.route = static_cast<std::uint32_t>(case_.loads[first.load].then->route);
  record.intended = intended;
  issue(request, index);
}

std::uint32_t LoadDriver::take_spare(std::uint32_t load) {
  const auto free = std::find_if(spares_.begin(), spares_.end(),
                                 [&](std::uint32_t spare) { return connections_[spare].load == load; });
  if (free != spares_.end()) {
    const std::uint32_t index = *free;
    spares_.erase(free);
    return index;
  }
  Connection& connection = connections_.emplace_back();
  connection.load = load;
  connection.spare = true;
  return static_cast<std::uint32_t>(connections_.size() - 1);
}

Nanos LoadDriver::next_kill() const {
  if (next_kill_ == kills_.size()) return kNever;
  return retry_kill_ != 0 ? retry_kill_ : began_ + kills_[next_kill_].at;
}

void LoadDriver::kill_due(Nanos now) {
  while (next_kill_ < kills_.size() && next_kill() <= now) {
    const Kill& kill = kills_[next_kill_];
    const bool killed = setup_.kill && setup_.kill(kill.worker);
    if (!killed && setup_.kill && now < began_ + kill.at + kKillPatience) {
      retry_kill_ = now + kBetweenKills;
      return;
    }
    if (killed) {
      killed_.push_back({kill.worker, clock_.now() - began_});
    } else {
      missed_kills_.push_back(kill.worker);
    }
    retry_kill_ = 0;
    ++next_kill_;
  }
}

}  // namespace lab
