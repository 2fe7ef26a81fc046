#include "harness/client/tls_transport.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cerrno>

namespace lab {

namespace {

std::string last_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "the other side ended the handshake" : reason;
}

bool is_address(const std::string& host) {
  in6_addr room{};
  return inet_pton(AF_INET, host.c_str(), &room) == 1 || inet_pton(AF_INET6, host.c_str(), &room) == 1;
}

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::create(std::vector<bool> tls, std::vector<std::string> hosts,
                                                       const std::string& ca_file, bool verify) {
  std::unique_ptr<TlsContext> made(new TlsContext);
  made->tls_ = std::move(tls);
  made->verify_ = verify;
  made->hosts_ = std::move(hosts);
  made->context_ = SSL_CTX_new(TLS_client_method());
  if (made->context_ == nullptr) return environment_error("OpenSSL: {}", last_error());
  SSL_CTX_set_mode(made->context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (!verify) return made;
  SSL_CTX_set_verify(made->context_, SSL_VERIFY_PEER, nullptr);
  const int loaded = ca_file.empty()
                         ? SSL_CTX_set_default_verify_paths(made->context_)
                         : SSL_CTX_load_verify_locations(made->context_, ca_file.c_str(), nullptr);
  if (loaded == 1) return made;
  if (ca_file.empty()) return environment_error("OpenSSL: {}", last_error());
  return usage_error("--cacert: no certificate can be read from '{}' ({})", ca_file, last_error());
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

ssl_st* TlsContext::connect(std::uint32_t connection, int descriptor) const {
  ERR_clear_error();
  SSL* const session = SSL_new(context_);
  const std::string& host = hosts_[connection % tls_.size()];
  bool ready = session != nullptr && SSL_set_fd(session, descriptor) == 1;
  if (is_address(host)) {
    ready = ready && (!verify_ || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1);
  } else {
    // SSL_set_tlsext_host_name, spelled without its old-style cast.
    ready = ready && SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                              const_cast<char*>(host.c_str())) == 1;
    ready = ready && (!verify_ || SSL_set1_host(session, host.c_str()) == 1);
  }
  if (!ready) {
    note(last_error());
    SSL_free(session);
    return nullptr;
  }
  SSL_set_connect_state(session);
  return session;
}

std::string TlsContext::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

void TlsContext::note(const std::string& problem) const {
  const std::lock_guard lock(mutex_);
  if (problem_.empty()) problem_ = problem;
}

TlsTransport::~TlsTransport() {
  for (std::uint32_t connection = 0; connection < sessions_.size(); ++connection) forget(connection);
}

void TlsTransport::forget(std::uint32_t connection) {
  if (connection >= sessions_.size()) return;
  SSL_free(sessions_[connection]);
  sessions_[connection] = nullptr;
}

int TlsTransport::open(std::uint32_t connection) {
  if (connection >= sessions_.size()) sessions_.resize(connection + 1, nullptr);
  forget(connection);
  const int error = sockets_.open(connection);
  if (error != 0 || !context_.has_tls(connection)) return error;
  sessions_[connection] = context_.connect(connection, sockets_.descriptor(connection));
  if (sessions_[connection] != nullptr) return 0;
  sockets_.close(connection);
  return EPROTO;
}

int TlsTransport::opened(std::uint32_t connection) {
  if (!context_.has_tls(connection)) return sockets_.opened(connection);
  SSL* const session = sessions_[connection];
  // Once it is connected the handshake says more than the socket: what came before a reset, say.
  if (SSL_in_before(session) != 0) {
    if (const int error = sockets_.opened(connection); error != 0) return error;
  }
  ERR_clear_error();
  const int done = SSL_do_handshake(session);
  if (done == 1) return 0;
  const int why = SSL_get_error(session, done);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return EINPROGRESS;
  const long verified = context_.verifies() ? SSL_get_verify_result(session) : X509_V_OK;
  if (verified != X509_V_OK) {
    context_.note(X509_verify_cert_error_string(verified));
    return EKEYREJECTED;
  }
  context_.note(last_error());
  return EPROTO;
}

ssize_t TlsTransport::send(std::uint32_t connection, std::string_view bytes) {
  if (!context_.has_tls(connection)) return sockets_.send(connection, bytes);
  SSL* const session = sessions_[connection];
  ERR_clear_error();
  errno = 0;
  std::size_t taken = 0;
  const int done = SSL_write_ex(session, bytes.data(), bytes.size(), &taken);
  if (done == 1) return static_cast<ssize_t>(taken);
  const int why = SSL_get_error(session, done);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return -EAGAIN;
  return why == SSL_ERROR_SYSCALL && errno != 0 ? -errno : -EPIPE;
}

/// Fills `into` as far as it goes: a record is shorter than what the socket holds, and no edge reports the
/// next one.
ssize_t TlsTransport::receive(std::uint32_t connection, std::span<char> into) {
  if (!context_.has_tls(connection)) return sockets_.receive(connection, into);
  SSL* const session = sessions_[connection];
  std::size_t filled = 0;
  while (filled < into.size()) {
    ERR_clear_error();
    errno = 0;
    std::size_t read = 0;
    const int done = SSL_read_ex(session, into.data() + filled, into.size() - filled, &read);
    filled += read;
    if (done == 1) continue;
    if (filled > 0) break;
    switch (SSL_get_error(session, done)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE: return -EAGAIN;
      case SSL_ERROR_ZERO_RETURN: return 0;
      case SSL_ERROR_SYSCALL: return errno == 0 ? -ECONNRESET : -errno;
      default:
        // Without a close_notify a reply that runs until the close may have been cut (RFC 9112, 9.8).
        if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return -ECONNABORTED;
        context_.note(last_error());
        return -EPROTO;
    }
  }
  return static_cast<ssize_t>(filled);
}

void TlsTransport::close(std::uint32_t connection) {
  forget(connection);
  sockets_.close(connection);
}

}  // namespace lab
