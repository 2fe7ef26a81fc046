#include <httplib.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>

#include "lab/servers/mode.hpp"
#include "lab/servers/modes/httplib_connection.hpp"
#include "lab/servers/modes/thread_per_request_traits.hpp"
#include "lab/servers/steps/blocking_steps.hpp"
#include "lab/servers/steps/call.hpp"
#include "lab/servers/steps/job_pool.hpp"
#include "lab/servers/worker/worker.hpp"

namespace lab {

namespace {

/// The request that this thread serves: httplib's handlers are not told which connection they run for.
thread_local Call* current_call = nullptr;
thread_local const RouteTable::Match* current_match = nullptr;

/// WSGI: a thread takes a connection and keeps it, waiting, computing and idle, until either side closes.
/// httplib parses, routes and writes; accepting is ours because connections may come from the master, and so
/// is the strict check in front.
class ThreadServer : public httplib::Server {
 public:
  explicit ThreadServer(Worker& worker);
  void run();
  void serve(Accepted accepted, std::uint16_t unit);

 private:
  void serve_connection(Accepted accepted, std::uint16_t unit);
  void answer(HttplibConnection& connection, ThreadHold& hold, bool& keep);
  Offer take(JobPool& threads);
  bool full() const;

  Worker& worker_;
  std::atomic<int> serving_{0};                            // connections that a thread has, or will have
  UniqueFd room_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};  // readable when a thread has become free
};

class ConnectionJob final : public JobPool::Job {
 public:
  ConnectionJob(ThreadServer& server, Accepted accepted) : server_(server), accepted_(std::move(accepted)) {}
  void run(std::uint16_t unit) override {
    const std::unique_ptr<ConnectionJob> self(this);
    server_.serve(std::move(accepted_), unit);
  }

 private:
  ThreadServer& server_;
  Accepted accepted_;
};

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

void handle(const httplib::Request& /*request*/, httplib::Response& response) {
  Call& call = *current_call;
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
  const std::string& fixed_body = current_match->route->fixed_body;
  response.status = call.status();
  response.set_content(fixed_body.empty() ? call.body() : fixed_body, "application/json");
}

/// What the handler has left for after its reply.
void run_deferred(Call& call) {
  call.take_gil();
  for (const PlanExecution::Deferred& later : call.result()->deferred)
    run_blocking(call, *later.plan, later.place);
  call.drop_gil();
}

/// Unknown paths and wrong methods are answered as the other modes answer them.
httplib::Server::HandlerResponse before_routing(const httplib::Request& /*request*/,
                                                httplib::Response& response) {
  if (current_match->route != nullptr) return httplib::Server::HandlerResponse::Unhandled;
  response.status = current_match->status;
  if (!current_match->allow.empty()) response.set_header("Allow", current_match->allow);
  response.set_content(detail_body(current_match->reason), "application/json");
  return httplib::Server::HandlerResponse::Handled;
}

ThreadServer::ThreadServer(Worker& worker) : worker_(worker) {
  set_pre_routing_handler(before_routing);
  set_keep_alive_timeout(kIdleTimeout / kSecond);
  set_keep_alive_max_count(1'000'000);  // its default is 5 requests a connection
  for (const ServedRoute& served : worker.routes().routes()) {
    const std::string pattern = exactly(served.route.path);
    const std::string& method = served.route.method;
    if (method == "GET") Get(pattern, handle);
    if (method == "POST") Post(pattern, handle);
    if (method == "PUT") Put(pattern, handle);
    if (method == "PATCH") Patch(pattern, handle);
    if (method == "DELETE") Delete(pattern, handle);
  }
}

void ThreadServer::run() {
  JobPool threads(worker_.setup().arm.threads);
  worker_.ready();
  std::array<pollfd, 3> watched{pollfd{worker_.connections().fd(), POLLIN, 0},
                                pollfd{worker_.stop_fd(), POLLIN, 0}, pollfd{room_.get(), POLLIN, 0}};
  Offer offer = Offer::none;
  do {
    // Without descriptors, or a thread that is free, only a stop is of interest for a while.
    const bool pausing = offer == Offer::exhausted;
    watched[0].events = pausing || full() ? 0 : POLLIN;
    poll(watched.data(), watched.size(), pausing ? static_cast<int>(kAcceptPause / kMillisecond) : -1);
    eventfd_t freed = 0;
    if (watched[2].revents != 0) eventfd_read(room_.get(), &freed);
    const bool stopping = (watched[1].revents & POLLIN) != 0;
    // Nobody comes after those who are there when it stops, so no limit holds any more.
    const bool one = worker_.setup().arm.accept == Accept::one && !stopping;
    offer = full() && !stopping ? Offer::none : take(threads);
    while (!one && offer == Offer::taken) offer = take(threads);
  } while ((watched[1].revents & POLLIN) == 0);
}

Offer ThreadServer::take(JobPool& threads) {
  Accepted accepted;
  const Offer offer = worker_.connections().take(accepted);
  if (offer != Offer::taken) return offer;
  worker_.events().add(EventKind::accepted, 0, worker_.events().stamp(), accepted.client_port);
  serving_.fetch_add(1, std::memory_order_relaxed);
  threads.submit(*std::make_unique<ConnectionJob>(*this, std::move(accepted)).release());
  return offer;
}

/// Accept policy `one`: what no thread is free for is left to the other workers.
bool ThreadServer::full() const {
  const Arm& arm = worker_.setup().arm;
  if (arm.accept != Accept::one) return false;
  const int limit = arm.accept_limit > 0 ? std::min(arm.accept_limit, arm.threads) : arm.threads;
  return serving_.load(std::memory_order_relaxed) >= limit;
}

void ThreadServer::serve(Accepted accepted, std::uint16_t unit) {
  serve_connection(std::move(accepted), unit);
  serving_.fetch_sub(1, std::memory_order_relaxed);
  if (worker_.setup().arm.accept == Accept::one) eventfd_write(room_.get(), 1);
}

void ThreadServer::serve_connection(Accepted accepted, std::uint16_t unit) {
  const EventLog& events = worker_.events();
  ThreadHold hold(events, unit);
  HttplibConnection connection(std::move(accepted), worker_, hold);
  for (bool keep = true; keep && connection.read_request();) answer(connection, hold, keep);
}

void ThreadServer::answer(HttplibConnection& connection, ThreadHold& hold, bool& keep) {
  const EventLog& events = worker_.events();
  const Request& request = connection.reader().request();
  const std::uint32_t id = request.id;
  hold.by(id, connection.begun());
  events.add(EventKind::read, id, events.stamp());

  const RouteTable::Match match = worker_.routes().find(request);
  Call call(events, worker_.services(), worker_.log_number(request), request);
  if (match.route != nullptr) call.set(match);
  current_call = &call;
  current_match = &match;
  // httplib does not tell an HTTP/1.0 client that its connection stays open.
  keep = request.keep_alive && !request.http_1_0 && !connection.stopping() &&
         worker_.setup().arm.accept != Accept::one;
  MemoryStream stream(connection.text(), connection.client_port());
  bool closed = false;
  process_request(stream, !keep, closed, nullptr);
  const bool sent = connection.send(stream.reply());

  const Nanos replied = events.stamp();
  if (sent) {
    events.add(EventKind::replied, id, replied);
    worker_.replied();
    if (match.route != nullptr) call.log_send();
  }
  if (call.has_deferred()) run_deferred(call);
  keep = keep && sent && !closed;
  connection.next(events.stamp());
}

void serve(Worker& worker) {
  ThreadServer server(worker);
  server.run();
}

}  // namespace

extern const Mode k_mode_thread_per_request;
const Mode k_mode_thread_per_request{.traits = kThreadPerRequest, .serve = serve};

}  // namespace lab
