#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/client/connections.hpp"
#include "harness/client/transport.hpp"
#include "harness/diagnosis/observation.hpp"

namespace lab {

/// The two requests of an examination, whole, as they are sent.
struct ExaminedRequests {
  std::string slow, ping;
  bool slow_to_head = false, ping_to_head = false;  ///< HEAD: its reply has no body
};

/// Sends salvos of probes over a transport: a composition over Connections that chooses for each request
/// which of those kept since an earlier salvo it goes on. One thread; nothing is retried: what a closed
/// connection means, the examination decides.
class SocketTarget final : public Target, private ConnectionUser {
 public:
  /// `cpu_time` may be empty.
  SocketTarget(ExaminedRequests requests, Clock& clock, Transport& transport,
               std::function<std::optional<CpuTime>()> cpu_time);

  std::vector<Reply> send_probes(const std::vector<Probe>& probes, Nanos patience) override;
  void hang_up() override;
  Nanos now() override { return clock_.now(); }
  bool interrupted() const override { return transport_.interrupted(); }
  std::optional<CpuTime> cpu_time() override { return cpu_time_ ? cpu_time_() : std::nullopt; }

 private:
  static constexpr std::size_t kNoProbe = ~std::size_t{0};

  void open_first(const std::vector<Probe>& probes);
  void rest(Nanos span);
  void begin(std::size_t index);
  OutgoingRequest request_on(std::uint32_t connection) override;
  void on_reply(std::uint32_t connection, const IncomingReply& reply) override;
  void on_failure(std::uint32_t connection, LoadError error) override;
  Reply& end_probe(std::uint32_t connection, Outcome outcome);

  const ExaminedRequests requests_;
  Clock& clock_;
  Transport& transport_;
  std::function<std::optional<CpuTime>()> cpu_time_;
  Connections connections_;
  std::vector<std::size_t> probe_on_;           // by connection
  const std::vector<Probe>* probes_ = nullptr;  // of the salvo under way
  std::vector<Reply> replies_;
  std::size_t under_way_ = 0;
  Nanos began_ = 0;
};

}  // namespace lab
