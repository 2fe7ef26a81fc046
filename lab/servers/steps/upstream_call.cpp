#include "lab/servers/steps/upstream.hpp"

#include <fmt/format.h>
#include <httplib.h>

#include <memory>

namespace lab {

namespace {

void limit(httplib::Client& client, Nanos span) {
  const auto patience = static_cast<std::time_t>((span + kUpstreamPatience) / kSecond + 1);
  client.set_connection_timeout(kUpstreamPatience / kSecond);
  client.set_read_timeout(patience);
  client.set_write_timeout(kUpstreamPatience / kSecond);
}

std::unique_ptr<httplib::Client> make_client(std::uint16_t port, bool keep) {
  auto client = std::make_unique<httplib::Client>("127.0.0.1", port);
  client->set_keep_alive(keep);
  client->set_tcp_nodelay(true);  // or each request waits for the acknowledgement of its first half
  return client;
}

}  // namespace

Result<void> call_upstream_blocking(std::uint16_t port, const CallUpstream& call) {
  thread_local std::unique_ptr<httplib::Client> kept;
  thread_local std::uint16_t kept_port = 0;
  std::unique_ptr<httplib::Client> fresh;
  if (!call.keep_connection) {
    fresh = make_client(port, false);
  } else if (kept == nullptr || kept_port != port) {
    kept = make_client(port, true);
    kept_port = port;
  }
  httplib::Client& client = call.keep_connection ? *kept : *fresh;
  limit(client, call.duration);
  const httplib::Result answer = client.Get(upstream_target(call));
  if (!answer) return upstream_error(port, httplib::to_string(answer.error()));
  if (answer->status != 200) return upstream_error(port, fmt::format("status {}", answer->status));
  return {};
}

}  // namespace lab
