#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/client/reply_parser.hpp"
#include "harness/client/transport.hpp"
#include "harness/diagnosis/subject.hpp"

namespace lab {

/// The two requests of an examination, whole, as they are sent.
struct ExaminedRequests {
  std::string slow, ping;
  bool slow_to_head = false, ping_to_head = false;  ///< HEAD: its reply has no body
};

/// Fires salvos over a transport. run_load() plans a load's connections itself; an examination chooses for
/// each request which of the connections kept since an earlier salvo it goes on, so it needs its own, smaller
/// client. One thread; nothing is retried: what a closed connection means, the examination decides.
class SocketSubject final : public Subject {
 public:
  /// `cpu_time` may be empty.
  SocketSubject(ExaminedRequests requests, Clock& clock, Transport& transport,
                std::function<std::optional<Nanos>()> cpu_time);

  std::vector<Reply> fire(const std::vector<Shot>& shots, Nanos patience) override;
  void hang_up() override;
  Nanos now() override { return clock_.now(); }
  bool interrupted() const override { return transport_.interrupted(); }
  std::optional<Nanos> cpu_time() override { return cpu_time_ ? cpu_time_() : std::nullopt; }

 private:
  enum class Phase : std::uint8_t { closed, opening, open };
  static constexpr std::size_t kNoShot = ~std::size_t{0};

  struct Connection {
    ReplyParser parser;
    Phase phase = Phase::closed;
    std::size_t shot = kNoShot;  // that it carries
    std::size_t bytes_sent = 0;
    int error = 0;  // why it could not be opened
  };

  void open_first(const std::vector<Shot>& shots);
  void rest(Nanos span);
  void open(std::uint32_t connection);
  void begin(std::size_t shot);
  void transmit(std::uint32_t connection);
  void handle(Nanos until);
  void on_opened(std::uint32_t connection);
  void on_readable(std::uint32_t connection);
  void end_shot(std::uint32_t connection, Outcome outcome);
  void close(std::uint32_t connection);
  const std::string& text_of(const Shot& shot) const { return shot.ping ? requests_.ping : requests_.slow; }

  const ExaminedRequests requests_;
  Clock& clock_;
  Transport& transport_;
  std::function<std::optional<Nanos>()> cpu_time_;
  std::vector<std::unique_ptr<Connection>> connections_;
  const std::vector<Shot>* shots_ = nullptr;  // of the salvo under way
  std::vector<Reply> replies_;
  std::size_t under_way_ = 0;
  std::size_t opening_ = 0;
  Nanos began_ = 0;
  std::array<char, 65536> buffer_{};
};

}  // namespace lab
