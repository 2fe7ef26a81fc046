#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "harness/client/epoll_transport.hpp"
#include "harness/client/transport.hpp"
#include "lab/core/error.hpp"

// OpenSSL's, declared ahead so that its headers stay out of ours.
extern "C" {
struct ssl_ctx_st;
struct ssl_st;
}

namespace lab {

/// What all TLS connections of a load share: whom to trust, and each endpoint's name. Thread-safe.
class TlsContext {
 public:
  /// `tls` and `hosts` by endpoint. Certificates are verified against `ca_file`, or the system's where it
  /// is empty, and against the host. Errors: the file has no certificate (exit 2); OpenSSL has none for the
  /// system (exit 3).
  static Result<std::unique_ptr<TlsContext>> create(std::vector<bool> tls, std::vector<std::string> hosts,
                                                    const std::string& ca_file, bool verify);
  ~TlsContext();

  bool has_tls(std::uint32_t connection) const { return tls_[connection % tls_.size()]; }
  bool verifies() const { return verify_; }
  /// A client's side of a new connection on that descriptor, to an endpoint that has TLS; null: it cannot be
  /// made as safe as it has to be, and note() has the reason.
  ssl_st* connect(std::uint32_t connection, int descriptor) const;
  /// What was wrong with the first handshake that failed.
  std::string problem() const;
  void note(const std::string& problem) const;

 private:
  TlsContext() = default;

  ssl_ctx_st* context_ = nullptr;
  std::vector<bool> tls_;
  std::vector<std::string> hosts_;
  bool verify_ = true;
  mutable std::mutex mutex_;
  mutable std::string problem_;
};

/// TLS over the sockets of an EpollTransport, where the endpoint wants it (OpenSSL). Not thread-safe.
class TlsTransport final : public Transport {
 public:
  TlsTransport(EpollTransport& sockets, const TlsContext& context) : sockets_(sockets), context_(context) {}
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;
  ~TlsTransport() override;

  int open(std::uint32_t connection) override;
  /// EKEYREJECTED: the certificate is not trusted; EPROTO: no TLS; EINPROGRESS: ask again at the next news.
  int opened(std::uint32_t connection) override;
  std::uint16_t local_port(std::uint32_t connection) override { return sockets_.local_port(connection); }
  ssize_t send(std::uint32_t connection, std::string_view bytes) override;
  ssize_t receive(std::uint32_t connection, std::span<char> into) override;
  void close(std::uint32_t connection) override;
  void acknowledge(std::uint32_t connection) override { sockets_.acknowledge(connection); }
  std::span<const Readiness> wait(Nanos until) override { return sockets_.wait(until); }
  bool interrupted() const override { return sockets_.interrupted(); }

 private:
  void forget(std::uint32_t connection);

  EpollTransport& sockets_;
  const TlsContext& context_;
  std::vector<ssl_st*> sessions_;  // by connection; null: plain, or not connected yet
};

}  // namespace lab
