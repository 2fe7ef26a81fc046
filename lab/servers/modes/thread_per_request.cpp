#include <httplib.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "lab/servers/http/front_page.hpp"
#include "lab/servers/http/reply.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/steps/call.hpp"
#include "lab/servers/steps/process_pool.hpp"
#include "lab/servers/worker/worker.hpp"

namespace lab {

namespace {

constexpr Nanos kReadTimeout = CPPHTTPLIB_READ_TIMEOUT_SECOND * kSecond;
constexpr Nanos kWriteTimeout = CPPHTTPLIB_WRITE_TIMEOUT_SECOND * kSecond;

/// The socket that httplib reads from and writes to. Its own one would lose pipelined requests, wait for idle
/// clients when the server is to end, answer 500 on descriptors above select's 1024, and not say when a
/// request's first bytes came. One thread at a time.
class ThreadStream final : public httplib::Stream {
 public:
  ThreadStream(Accepted accepted, const Worker& worker, std::uint16_t unit)
      : fd_(std::move(accepted.fd)),
        setup_(worker.setup()),
        stop_fd_(worker.stop_fd()),
        events_(worker.events()),
        begun_(events_.stamp()),
        unit_(unit),
        client_port_(accepted.client_port) {}
  ~ThreadStream() override { let_go(events_.stamp()); }

  /// Waits for the first bytes of a request; false: none will come.
  bool await_request() {
    if (!input_.empty()) return true;
    if (const auto came = receive()) return *came;
    hold_by(0);
    if (!wait(POLLIN, monotonic_now() + kIdleTimeout, fresh_ ? kFirstBytes : 0)) return false;
    const bool came = receive().value_or(false);
    begun_ = events_.stamp();
    return came;
  }

  /// Who holds the thread, as events say it: a request from its first bytes to its reply, or to the end of a
  /// connection that ends with it; request 0 while the thread waits for its client.
  void hold_by(std::uint32_t request) {
    if (holder_ == request) return;
    let_go(begun_);
    holder_ = request;
    events_.acquire(Resource::thread, unit_, request, begun_);
  }

  /// From now on the body may take so long to come; 0: as long as the server allows.
  void limit_body(Nanos span) { read_end_ = monotonic_now() + (span > 0 ? span : setup_.body_deadline); }
  bool too_slow() const { return too_slow_; }
  /// Sends what httplib has written. False: the client takes no more.
  bool flush() {
    std::string_view rest = output_;
    Nanos end = 0;
    while (!rest.empty()) {
      const ssize_t size = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (size >= 0) {
        rest.remove_prefix(static_cast<std::size_t>(size));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        if (!wait(POLLOUT, next_end(end, setup_.write_deadline, kWriteTimeout), kStopGrace)) return false;
      } else if (errno != EINTR) {
        return false;
      }
    }
    output_.clear();
    return true;
  }

  /// Done with this request, now; another one may follow.
  void next(Nanos now) {
    fresh_ = false;
    begun_ = now;
    read_end_ = 0;
  }

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override {
    if (!flush()) return -1;
    while (input_.empty()) {
      if (const auto came = receive()) {
        if (!*came) return 0;
      } else if (!wait(POLLIN, next_end(read_end_, setup_.header_deadline, kReadTimeout), kStopGrace)) {
        too_slow_ = true;
        return -1;
      }
    }
    const std::size_t part = std::min(size, input_.size());
    std::memcpy(to, input_.data(), part);
    input_.remove_prefix(part);
    return static_cast<ssize_t>(part);
  }

  /// Kept until httplib reads on or is done: it writes a reply in two parts.
  ssize_t write(const char* from, size_t size) override {
    output_.append(from, size);
    return static_cast<ssize_t>(size);
  }

  void get_remote_ip_and_port(std::string& ip, int& port) const override { name(ip, port, client_port_); }
  void get_local_ip_and_port(std::string& ip, int& port) const override { name(ip, port, 0); }
  socket_t socket() const override { return 0; }

 private:
  /// This mode serves on loopback only.
  static void name(std::string& ip, int& port, std::uint16_t number) {
    ip = "127.0.0.1";
    port = number;
  }
  void let_go(Nanos at) {
    if (holder_) events_.release(Resource::thread, unit_, *holder_, at);
  }

  /// True: bytes have come; false: none ever will; nothing: not yet.
  std::optional<bool> receive() {
    const ssize_t size = TEMP_FAILURE_RETRY(::recv(fd_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT));
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
    input_ = std::string_view(buffer_).substr(0, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return size > 0;
  }

  /// When a single wait ends: httplib's own limit, and of all of them together an absolute one, from the
  /// first of them.
  static Nanos next_end(Nanos& end, Nanos span, Nanos own) {
    const Nanos now = monotonic_now();
    if (end == 0) end = now + span;
    return std::min(end, now + own);
  }

  /// False: nothing happened until the end, or within the grace that is left since the server is to end.
  bool wait(short what, Nanos end, Nanos grace) {
    for (;;) {
      const Nanos now = monotonic_now();
      if (asked_to_stop_) end = std::min(end, now + grace);
      std::array<pollfd, 2> both{pollfd{fd_.get(), what, 0}, pollfd{stop_fd_, POLLIN, 0}};
      const Nanos left = std::max<Nanos>(0, end - now + kMillisecond - 1);
      const int ready = poll(both.data(), asked_to_stop_ ? 1 : 2, static_cast<int>(left / kMillisecond));
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0 || both[0].revents != 0) return ready > 0;
      asked_to_stop_ = true;  // noticed once; from then on only the client and the clock count
    }
  }

  UniqueFd fd_;
  const ServerSetup& setup_;
  int stop_fd_;
  const EventLog& events_;
  std::string buffer_ = std::string(16384, '\0');
  std::string_view input_;
  std::string output_;
  std::optional<std::uint32_t> holder_;
  Nanos begun_;  // since when this thread has worked for the request: bytes of it were there, and the thread
                 // too
  Nanos read_end_ = 0;  // of the request's head, or of its body; 0: it has not been waited for
  std::uint16_t unit_;
  std::uint16_t client_port_;
  bool fresh_ = true;  // none of its requests was answered yet
  bool asked_to_stop_ = false;
  bool too_slow_ = false;
};

/// One request of a connection, from its first bytes to what is left for after its reply.
struct Exchange {
  ThreadStream& stream;
  Request request{};
  RouteTable::Match match{};
  std::optional<Call> call{};
  bool was_read = false;
  bool ends = false;  // what is left of its body is not worth reading
};

/// httplib's handlers do not know which connection they run for.
thread_local Exchange* exchange = nullptr;

/// A path as the regular expression that httplib routes by; `{…}` stands for any one part.
std::string exactly(const std::string& path) {
  std::string pattern;
  bool open = false;
  for (const char c : path) {
    if (c == '{') pattern += "[^/]+";
    open = (open || c == '{') && c != '}';
    if (open || c == '}') continue;
    if (std::string_view(R"(\^$.|?*+()[]{})").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

void refuse(httplib::Response& response, int status, std::string_view reason) {
  response.status = status;
  response.set_content(detail_body(reason), "application/json");
}

/// WSGI: a thread takes a connection and keeps it, waiting, computing and idle, until either side closes.
/// httplib reads, parses, routes and writes, as strict as it is; accepting is ours because connections may
/// come from the master, or one at a time.
class ThreadServer : public httplib::Server {
 public:
  explicit ThreadServer(Worker& worker) : worker_(worker) {
    set_keep_alive_timeout(kIdleTimeout / kSecond);
    set_keep_alive_max_count(1'000'000);  // its default is 5 requests a connection
    set_pre_routing_handler([this](const httplib::Request& asked, httplib::Response& response) {
      return before_routing(asked, response);
    });
    const Handler plain = [this](const httplib::Request&, httplib::Response& response) { handle(response); };
    const HandlerWithContentReader with_body =
        [this](const httplib::Request& asked, httplib::Response& response,
               const httplib::ContentReader& body) { handle_with_body(asked, response, body); };
    for (const ServedRoute& served : worker.routes().routes()) {
      const std::string pattern = exactly(served.route.path);
      const std::string& method = served.route.method;
      if (method == "GET") Get(pattern, plain);
      if (method == "POST") Post(pattern, with_body);
      if (method == "PUT") Put(pattern, with_body);
      if (method == "PATCH") Patch(pattern, with_body);
      if (method == "DELETE") Delete(pattern, plain).Delete(pattern, with_body);
    }
  }

  void run() {
    JobPool threads(worker_.setup().arm.threads);
    worker_.ready();
    std::array<pollfd, 3> watched{pollfd{worker_.connections_fd(), POLLIN, 0},
                                  pollfd{worker_.stop_fd(), POLLIN, 0}, pollfd{room_.get(), POLLIN, 0}};
    AcceptResult result = AcceptResult::none;
    while (!stopping_.load(std::memory_order_relaxed)) {
      // Without descriptors, or a thread that is free, only a stop is of interest for a while.
      const bool pausing = result == AcceptResult::exhausted;
      watched[0].events = pausing || full() ? 0 : POLLIN;
      poll(watched.data(), watched.size(), pausing ? static_cast<int>(kAcceptPause / kMillisecond) : -1);
      eventfd_t freed = 0;
      if (watched[2].revents != 0) eventfd_read(room_.get(), &freed);
      const bool stopping = (watched[1].revents & POLLIN) != 0;
      stopping_.store(stopping, std::memory_order_relaxed);
      // Nobody comes after those who are there when it stops, so no limit holds any more.
      const bool one = worker_.setup().arm.accept == Accept::one && !stopping;
      result = full() && !stopping ? AcceptResult::none : take(threads);
      while (!one && result == AcceptResult::taken) result = take(threads);
    }
  }

 private:
  using Outcome = HandlerResponse;

  struct ConnectionJob final : JobPool::Job {
    ConnectionJob(ThreadServer& by, Accepted connection) : server(by), accepted(std::move(connection)) {}
    void run(std::uint16_t unit) override {
      const std::unique_ptr<ConnectionJob> self(this);
      server.serve(std::move(accepted), unit);
    }
    ThreadServer& server;
    Accepted accepted;
  };

  /// Unknown paths and wrong methods are answered as the other modes answer them.
  Outcome before_routing(const httplib::Request& asked, httplib::Response& response) {
    exchange->request = {.method = asked.method,
                         .target = asked.target,
                         .id = request_number(asked.get_header_value("Lab-Request")),
                         .http_1_0 = asked.version == "HTTP/1.0"};
    Preference preference;
    for (std::size_t i = 0; i < asked.get_header_value_count("Accept"); ++i)
      preference.take(asked.get_header_value("Accept", i));
    exchange->request.wants_page = preference.page();
    exchange->stream.hold_by(exchange->request.id);
    const RouteTable::Match& match = exchange->match = worker_.routes().find(exchange->request);
    if (match.route != nullptr) return Outcome::Unhandled;
    note_read();
    refuse(response, match.status, match.reason);
    if (!match.allow.empty()) response.set_header("Allow", match.allow);
    return Outcome::Handled;
  }

  void handle(httplib::Response& response) {
    note_read();
    Call& call = exchange->call.emplace(worker_.events(), worker_.services(),
                                        worker_.log_number(exchange->request), exchange->request);
    call.set(exchange->match);
    const Progress::Hold hold(worker_.services().progress(), Resource::thread);
    call.take_gil();
    call.start();
    StepPlace first;
    for (const Dependency& dependency : call.dependencies()) {
      run_blocking(call, dependency.steps, first);
      first = first.at(text_size(dependency.steps));
    }
    run_blocking(call, call.plan(), call.place());
    call.finish();
    call.drop_gil();
    response.status = call.status();
    const std::string& page = call.route().page;
    if (exchange->request.wants_page && !page.empty()) {
      for (const auto& [name, value] : front_page_fields())
        response.set_header(std::string(name), std::string(value));
      response.body = page;
      return;
    }
    const std::string& fixed_body = call.route().fixed_body;
    response.set_content(fixed_body.empty() ? call.body() : fixed_body, "application/json");
  }

  /// Bodies are counted and let go: no handler reads them. httplib would wait for one that nobody announced.
  void handle_with_body(const httplib::Request& asked, httplib::Response& response,
                        const httplib::ContentReader& body) {
    const BodyRule rule = worker_.routes().body_rule(exchange->request);
    // By strtoull(3): httplib's own reading of numbers has another name in each version of it.
    const std::string announced = asked.get_header_value("Content-Length");
    bool fits = std::strtoull(announced.c_str(), nullptr, 10) <= rule.limit;
    bool whole = fits;
    if (fits && (asked.has_header("Content-Length") || asked.has_header("Transfer-Encoding"))) {
      exchange->stream.limit_body(rule.deadline);
      std::uint64_t size = 0;
      whole = body([&](const char* /*bytes*/, std::size_t count) {
        size += count;
        return fits = size <= rule.limit;
      });
    }
    if (whole) return handle(response);
    exchange->ends = true;
    if (!fits) return refuse(response, 413, rule.too_big);
    if (exchange->stream.too_slow()) return refuse(response, 408, "the request arrived too slowly");
    refuse(response, 400, "bad body");
  }

  void note_read() {
    worker_.events().add(EventKind::read, exchange->request.id, worker_.events().stamp());
    exchange->was_read = true;
  }

  /// False: the connection is of no more use.
  bool answer(ThreadStream& stream) {
    const EventLog& events = worker_.events();
    Exchange one{.stream = stream};
    exchange = &one;
    const bool last = worker_.setup().arm.accept == Accept::one || stopping_.load(std::memory_order_relaxed);
    bool closed = false;
    const bool answered = process_request(stream, last, closed, nullptr);
    const bool sent = stream.flush();
    if (sent && one.was_read) {
      events.add(EventKind::replied, one.request.id, events.stamp());
      worker_.replied();
      if (one.call) one.call->log_send();
    }
    if (one.call && one.call->has_deferred()) {
      const Progress::Hold hold(worker_.services().progress(), Resource::thread);
      one.call->take_gil();
      for (const PlanExecution::Deferred& later : one.call->result()->deferred)
        run_blocking(*one.call, *later.plan, later.place);
      one.call->drop_gil();
    }
    stream.next(events.stamp());
    return answered && sent && !closed && !last && !one.ends && !stream.too_slow();
  }

  void serve(Accepted accepted, std::uint16_t unit) {
    {
      ThreadStream stream(std::move(accepted), worker_, unit);
      while (stream.await_request() && answer(stream)) {
      }
    }
    serving_.fetch_sub(1, std::memory_order_relaxed);
    if (worker_.setup().arm.accept == Accept::one) eventfd_write(room_.get(), 1);
  }

  AcceptResult take(JobPool& threads) {
    Accepted accepted;
    const AcceptResult result = worker_.accept(accepted);
    if (result != AcceptResult::taken) return result;
    serving_.fetch_add(1, std::memory_order_relaxed);
    threads.submit(*std::make_unique<ConnectionJob>(*this, std::move(accepted)).release());
    return result;
  }

  /// Accept policy `one`: what no thread is free for is left to the other workers.
  bool full() const {
    const Arm& arm = worker_.setup().arm;
    if (arm.accept != Accept::one) return false;
    const int limit = arm.accept_limit > 0 ? std::min(arm.accept_limit, arm.threads) : arm.threads;
    return serving_.load(std::memory_order_relaxed) >= limit;
  }

  Worker& worker_;
  std::atomic<int> serving_{0};  // connections that a thread has, or will have
  std::atomic<bool> stopping_{false};
  UniqueFd room_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};  // readable when a thread has become free
};

}  // namespace

extern const Mode k_mode_thread_per_request;
const Mode k_mode_thread_per_request{.traits = kThreadPerRequest,
                                     .serve = [](Worker& worker) { ThreadServer(worker).run(); }};

}  // namespace lab
