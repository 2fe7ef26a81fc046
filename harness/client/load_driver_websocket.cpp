// Connections of WebSocket loads: the upgrade, and messages in place of requests and replies.

#include "harness/client/load_driver.hpp"

namespace lab {

bool LoadDriver::is_websocket(std::uint32_t index) const {
  return loads_[connections_[index].load].websocket;
}

void LoadDriver::start_upgrade(std::uint32_t index) {
  if (index >= sockets_.size()) sockets_.resize(index + 1);
  if (sockets_[index] == nullptr) sockets_[index] = std::make_unique<WebSocketReader>();
  Connection& connection = connections_[index];
  const std::string key = websocket_key(setup_.seed + index + 1);
  sockets_[index]->start(key);
  connection.phase = Phase::upgrading;
  const Route& route = routes_[case_.loads[connection.load].route];
  const std::string text = websocket_handshake(route, host_, port_, key);
  // A fresh connection takes these few bytes, or it is broken.
  if (transport_.send(index, text) == static_cast<ssize_t>(text.size())) return;
  if (connection.request != kNoRequest) return fail(index, Outcome::reset);
  drop(index);
}

void LoadDriver::on_websocket_bytes(std::uint32_t index, std::string_view bytes) {
  using News = WebSocketReader::News;
  WebSocketReader& reader = *sockets_[index];
  reader.feed(bytes);
  for (News news = reader.next(); news != News::nothing; news = reader.next()) {
    Connection& connection = connections_[index];
    const bool asked = connection.request != kNoRequest;
    switch (news) {
      case News::accepted:
        connection.phase = Phase::idle;
        if (asked) transmit(index);
        break;
      case News::refused: {
        if (!asked) return drop(index);
        return finish(index, clock_.now(), reader.status(), false, {});
      }
      case News::message:
        if (asked) on_message(index);
        break;
      case News::ping: {
        const std::string pong = websocket_frame(WebSocketOp::pong, reader.payload(), index + 1);
        static_cast<void>(transport_.send(index, pong));
        break;
      }
      case News::close:
        if (!asked) return drop(index);
        return fail(index, Outcome::closed);
      case News::bad:
        if (!asked) return drop(index);
        return fail(index, Outcome::bad_reply);
      case News::nothing: break;
    }
    if (connections_[index].phase == Phase::closed || connections_[index].phase == Phase::opening) return;
  }
}

void LoadDriver::on_message(std::uint32_t index) {
  constexpr int kAnswered = 200;  // a message has no status of its own
  const std::string body = sockets_[index]->payload();
  finish(index, clock_.now(), kAnswered, true, body);
}

}  // namespace lab
