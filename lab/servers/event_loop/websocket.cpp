#include <fmt/format.h>

#include "lab/servers/event_loop/session.hpp"

namespace lab {

/// An upgrade (RFC 6455, 4.2), then one request for each message until either side closes.
Task Session::serve_websocket(const RouteTable::Match& match) {
  WebSocket peer{match, reader_.request()};
  if (peer.request.websocket_key.empty() || !input_.empty()) {
    const Refusal refusal{426, "this path is a WebSocket: ask for an upgrade (RFC 6455)"};
    co_await refuse(refusal);
    co_return;
  }
  reader_.next();
  const std::string accepted = fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: {}\r\n\r\n",
      websocket_accept(peer.request.websocket_key));
  bool open = co_await send(accepted);
  while (open) {
    open = co_await next_message(peer);
    if (open) open = co_await answer(&peer);
  }
}

/// False: there is none to come.
Session::BoolTask Session::next_message(WebSocket& peer) {
  using News = WebSocketReader::News;
  for (News news = peer.messages.next(); news != News::message; news = peer.messages.next()) {
    co_await let_others();
    bool open = false;
    if (news == News::nothing) {
      Input got = Input::end;
      if (!context_.stopping) got = co_await read();  // who is to stop reads no more: it may send for ever
      open = got == Input::bytes;
      if (open) peer.messages.feed(input_);
      input_ = {};
      if (!open && context_.stopping) {
        const std::string leaving = websocket_close(WebSocketEnd::going_away);
        co_await send(leaving);
      }
    } else if (news == News::ping) {
      const std::string pong = websocket_frame(WebSocketOp::pong, peer.messages.payload(), std::nullopt);
      open = co_await send(pong);
    } else {
      const std::string last = websocket_close(news == News::close      ? WebSocketEnd::normal
                                               : news == News::too_long ? WebSocketEnd::too_long
                                               : news == News::bad_text ? WebSocketEnd::bad_text
                                                                        : WebSocketEnd::bad);
      const bool sent = co_await send(last);
      if (sent) co_await linger();
    }
    if (!open) co_return false;
  }
  peer.request.id = request_number(peer.messages.payload());
  co_return true;
}

}  // namespace lab
