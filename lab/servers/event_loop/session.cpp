#include "lab/servers/event_loop/session.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "lab/servers/http/reply.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/steps/call.hpp"

namespace lab {

namespace asio = boost::asio;

namespace {

// So many pipelined requests are answered before the others get their turn.
constexpr int kMaxStreak = 64;
// What a connection keeps for pipelined requests.
constexpr std::size_t kKeptLeftover = 256;

constexpr Refusal kTooSlow{408, "the request arrived too slowly"};
constexpr Refusal kCutOff{400, "the request ended before it was whole"};

}  // namespace

ClientWatch::ClientWatch(Socket& socket, Call& call)
    : socket_(&socket), watched_(std::make_shared<Call*>(&call)) {
  socket.async_wait(Socket::wait_read,
                    [watched = watched_, &socket](const boost::system::error_code& problem) {
                      if (problem || *watched == nullptr) return;
                      if (has_gone(socket.native_handle())) (*watched)->interrupt();
                    });
}

ClientWatch::~ClientWatch() {
  if (watched_ == nullptr) return;
  *watched_ = nullptr;
  boost::system::error_code ignored;
  socket_->cancel(ignored);
}

Session::Session(SessionContext& context, Accepted accepted)
    : context_(context), socket_(context.loop.executor()), reader_(&context.worker.routes()) {
  // Where that fails the first read does, too. IPv4 or IPv6 makes no difference to what is asked of it.
  boost::system::error_code problem;
  socket_.assign(asio::ip::tcp::v4(), accepted.fd.get(), problem);
  if (!problem) accepted.fd.release();
}

// GCC 12 miscompiles `switch (co_await …)` and braced temporaries inside a co_await operand: named values
// only.
Task Session::run() {
  for (bool open = true; open;) {
    const RequestReader::State state = reader_.parse(input_);
    if (state == RequestReader::State::whole) {
      open = co_await answer(nullptr);
    } else if (state == RequestReader::State::more) {
      const Input got = co_await read();
      if (got == Input::bytes) continue;
      if (got == Input::end && reader_.idle()) co_return;
      const Refusal& refusal = got == Input::expired ? kTooSlow : kCutOff;
      co_await refuse(refusal);
      open = false;
    } else if (state == RequestReader::State::proceed) {
      open = co_await send("HTTP/1.1 100 Continue\r\n\r\n");
    } else {
      co_await refuse(reader_.refusal());
      open = false;
    }
  }
}

Session::InputTask Session::read() {
  Input result = Input::end;
  // More than fits into the scratch (a body, pipelined requests) comes in several gulps.
  if ((more_likely_ || context_.stopping) && receive_now(result)) co_return result;
  for (;;) {
    if (context_.stopping && reader_.idle()) {
      if (!first_read_) co_return Input::end;
      set_deadline(kFirstBytes);
    }
    if (reader_.in_body() != body_deadline_) clear_deadline();
    body_deadline_ = reader_.in_body();
    if (!reader_.idle()) {
      const ServerSetup& setup = context_.worker.setup();
      const Nanos body_span = reader_.body_deadline() > 0 ? reader_.body_deadline() : setup.body_deadline;
      set_deadline(body_deadline_ ? body_span : setup.header_deadline);
    }
    waiting_ = true;
    streak_ = 0;
    // A connection that waits has room for a small request alone: more for each of thousands would be
    // megabytes. The first wait is for the socket itself, so that it ends in a later turn, however soon the
    // bytes come. The others leave the reading to the reactor, which knows from the last one that nothing is
    // there yet: one system call less than to wait and then read.
    boost::system::error_code problem;
    std::size_t size = 0;
    if (first_read_) {
      const auto [ended] = co_await socket_.async_wait(Socket::wait_read, kAwaitTuple);
      problem = ended;
    } else {
      const asio::mutable_buffer room = asio::buffer(small_);
      const auto [ended, received] = co_await socket_.async_receive(room, kAwaitTuple);
      problem = ended;
      size = received;
    }
    waiting_ = false;
    if (first_read_ && !expired_) clear_deadline();
    first_read_ = false;
    begun_ = context_.worker.events().stamp();
    if (size > 0) {
      input_ = {small_.data(), size};
      more_likely_ = size == small_.size();
      co_return Input::bytes;
    }
    if (!problem) {
      if (receive_now(result)) co_return result;
      continue;
    }
    if (problem != asio::error::operation_aborted) co_return Input::end;
    if (expired_) co_return reader_.idle() ? Input::end : Input::expired;
    // It is to stop: what has been sent already is still answered.
    if (receive_now(result)) co_return result;
  }
}

/// Reads what is there; false where nothing is. Many bytes are left in the scratch, which is the next
/// session's after a suspension.
bool Session::receive_now(Input& input) {
  const ssize_t size = TEMP_FAILURE_RETRY(
      ::recv(socket_.native_handle(), context_.scratch.data(), context_.scratch.size(), MSG_DONTWAIT));
  more_likely_ = false;
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
  input = size > 0 ? Input::bytes : Input::end;
  if (size > 0) {
    input_ = {context_.scratch.data(), static_cast<std::size_t>(size)};
    more_likely_ = input_.size() == context_.scratch.size();
  }
  return true;
}

void Session::keep_leftover() {
  const bool in_scratch = input_.data() >= context_.scratch.data() &&
                          input_.data() < context_.scratch.data() + context_.scratch.size();
  if (in_scratch && !input_.empty()) {
    held_.assign(input_);
    input_ = held_;
  } else if (input_.empty() && held_.capacity() > kKeptLeftover) {
    held_.clear();
    held_.shrink_to_fit();  // to assign an empty one would keep its memory
  }
}

/// Only a handler that lets go of everything while it waits can be ended in the middle. The others are not
/// begun, where they had to wait for their turn.
ClientWatch Session::watch_client(Call& call, const RouteTable::Match& match) {
  if (!context_.worker.setup().arm.cancel) return ClientWatch();
  const Traits& traits = match.route->mode->traits;
  if (traits.waiting == Resource::nothing) return ClientWatch(socket_, call);
  if (traits.looks_first()) call.serves(socket_.native_handle());
  return ClientWatch();
}

Session::BoolTask Session::answer(WebSocket* peer) {
  RouteTable::Match found;
  if (peer == nullptr) {
    clear_deadline();
    keep_leftover();
    found = context_.worker.routes().find(reader_.request());
    if (found.route != nullptr && found.route->route.method == "WS") {
      co_await serve_websocket(found);
      co_return false;
    }
  }
  const RouteTable::Match& match = peer == nullptr ? found : peer->match;
  const Request& request = peer == nullptr ? reader_.request() : peer->request;
  const Worker& worker = context_.worker;
  const EventLog& events = worker.events();
  events.acquire(Resource::loop, 0, request.id, begun_);
  const Nanos read_at = events.stamp();
  events.add(EventKind::read, request.id, read_at);
  Call call(events, worker.services(), worker.log_number(request), request);
  ReplyHead head{.status = match.status,
                 .http_1_0 = request.http_1_0,
                 .head_only = request.head(),
                 .allow = match.allow};
  std::string made;
  std::string_view body;
  if (match.route != nullptr) {
    const LoopMode& mode = *match.route->mode->loop;
    call.set(match);
    {
      const ClientWatch watch = watch_client(call, match);
      call.take_gil();
      // Where nothing is to be done on the loop there is nothing to await.
      if (call.idle() && mode.handle == handle_on_loop) {
        call.pass(worker.setup().arm.gil ? events.stamp() : read_at);  // it may have waited for the lock
      } else {
        const Progress::Hold hold(worker.services().progress(), Resource::loop);
        co_await mode.handle(call, context_.loop, mode);
      }
      call.drop_gil();
    }
    if (call.cancelled()) {
      events.release(Resource::loop, 0, request.id, events.stamp());
      co_return false;
    }
    head.status = call.status();
    head.page = request.wants_page && !match.route->page.empty();
    body = head.page ? match.route->page : match.route->fixed_body;
    if (body.empty()) body = made = call.body();
    head.service = call.service();
  } else {
    body = made = detail_body(match.reason);
  }
  head.keep_alive =
      request.keep_alive && !context_.close_after_reply && !(context_.stopping && input_.empty());
  context_.reply.clear();
  if (peer == nullptr) {
    append_reply(context_.reply, head, body);
  } else {
    context_.reply = websocket_frame(WebSocketOp::text, body, std::nullopt);
  }
  std::string_view rest = context_.reply;
  bool sent = send_now(rest);
  // The bytes are in a buffer that all sessions share.
  if (sent && !rest.empty()) {
    std::string left(rest);
    sent = co_await send_rest(std::move(left));
  }
  begun_ = events.stamp();
  if (sent) {
    events.add(EventKind::replied, request.id, begun_);
    context_.worker.replied();
    if (match.route != nullptr) call.log_send();
  }
  if (call.has_deferred()) {
    const LoopMode& mode = *match.route->mode->loop;
    call.take_gil();
    const Progress::Hold hold(worker.services().progress(), Resource::loop);
    co_await mode.after(call, context_.loop, mode);
    call.drop_gil();
    begun_ = events.stamp();
  }
  events.release(Resource::loop, 0, request.id, begun_);
  if (!sent || (peer == nullptr && !head.keep_alive)) co_return false;
  if (peer == nullptr) reader_.next();
  co_await let_others();
  co_return true;
}

Task Session::let_others() {
  if (++streak_ % kMaxStreak != 0) co_return;
  co_await asio::post(context_.loop.executor(), kAwait);
  begun_ = context_.worker.events().stamp();
}

Task Session::refuse(Refusal refusal) {
  clear_deadline();
  input_ = {};
  context_.reply.clear();
  append_reply(context_.reply, {.status = refusal.status, .keep_alive = false}, detail_body(refusal.reason));
  const bool sent = co_await send(context_.reply);
  if (sent) co_await linger();
}

bool Session::send_now(std::string_view& bytes) {
  const ssize_t size = TEMP_FAILURE_RETRY(
      ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
  bytes.remove_prefix(static_cast<std::size_t>(size));
  return true;
}

Session::BoolTask Session::send(std::string_view bytes) {
  if (!send_now(bytes)) co_return false;
  if (bytes.empty()) co_return true;
  std::string rest(bytes);
  const bool sent = co_await send_rest(std::move(rest));
  co_return sent;
}

Session::BoolTask Session::send_rest(std::string rest) {
  keep_leftover();
  set_deadline(context_.worker.setup().write_deadline);
  for (std::string_view left = rest; !left.empty();) {
    waiting_ = true;
    const auto [problem] = co_await socket_.async_wait(Socket::wait_write, kAwaitTuple);
    waiting_ = false;
    // A stop lets the client read what it asked for; only the deadline ends that.
    if (expired_ || (problem && problem != asio::error::operation_aborted) || !send_now(left))
      co_return false;
  }
  clear_deadline();
  co_return true;
}

/// Closing with unread bytes makes the kernel send a reset, which takes the reply with it; so they are read
/// first.
Task Session::linger() {
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  set_deadline(kLinger);
  for (std::size_t discarded = 0; discarded < kMaxDiscarded && !context_.stopping;) {
    waiting_ = true;
    const auto [problem] = co_await socket_.async_wait(Socket::wait_read, kAwaitTuple);
    waiting_ = false;
    Input input = Input::end;
    if (problem || (receive_now(input) && input == Input::end)) break;
    discarded += input_.size();
    input_ = {};
  }
}

void Session::stop() {
  if (!waiting_) return;
  if (deadline_ == 0 && first_read_) {
    set_deadline(kFirstBytes);
  } else if (deadline_ == 0) {
    socket_.cancel();
  } else {
    deadline_ = std::min(deadline_, monotonic_now() + kStopGrace);
  }
}

void Session::enforce_deadline(Nanos now) {
  if (deadline_ == 0 || now < deadline_) return;
  expired_ = true;
  if (waiting_) socket_.cancel();
}

void Session::set_deadline(Nanos span) {
  if (deadline_ != 0) return;
  deadline_ = monotonic_now() + (context_.stopping ? std::min(span, kStopGrace) : span);
  if (context_.deadlines++ == 0) context_.watch_deadlines();
}

void Session::clear_deadline() {
  if (deadline_ == 0) return;
  deadline_ = 0;
  expired_ = false;
  --context_.deadlines;
}

}  // namespace lab
