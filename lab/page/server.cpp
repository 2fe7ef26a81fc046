#include "lab/page/server.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/version.hpp>
#include <boost/json.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>

#include "lab/core/interrupt.hpp"
#include "lab/core/process.hpp"
#include "lab/core/temporary.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/page/admission.hpp"
#include "lab/page/event_log.hpp"
#include "lab/page/files.hpp"
#include "lab/page/page.hpp"

namespace lab {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

using asio::ip::tcp;
using PageMessage = http::request<http::string_body>;
using PageReply = http::response<http::string_body>;

constexpr std::size_t kMaxVisitors = 200;
constexpr std::uint64_t kMaxPageBody = 2 << 20;
constexpr std::uint32_t kMaxPageHead = 16 << 10;
constexpr auto kVisitDeadline = std::chrono::seconds(10);
constexpr auto kBeat = std::chrono::seconds(5);
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src "
    "'self' data:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

/// A run of the page: `lab run … --stream`, a process of its own whose lines come through a pipe.
class PageRun {
 public:
  PageRun(asio::io_context& io, const std::vector<std::string>& words) : lines_(io) {
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) != 0) throw Failure(system_error("pipe", "of the page's run", errno));
    UniqueFd reads(ends[0]);
    const UniqueFd writes(ends[1]);
    std::vector<std::string> all{program_path().string(), "run"};
    all.insert(all.end(), words.begin(), words.end());
    std::vector<char*> argv;
    for (std::string& word : all) argv.push_back(word.data());
    argv.push_back(nullptr);
    child_ = ChildProcess::start("the page's run", {writes.get()}, [&] {
               dup2(writes.get(), STDOUT_FILENO);
               execv(argv.front(), argv.data());
               return 127;
             }).value();
    lines_.assign(reads.release());
  }

  void stop() const { child_.signal(SIGINT); }
  asio::posix::stream_descriptor& lines() { return lines_; }
  int await_end() { return child_.await_end(); }

 private:
  ChildProcess child_;
  asio::posix::stream_descriptor lines_;
};

class PageServer {
 public:
  explicit PageServer(const PageServerOptions& options)
      : options_(options), acceptor_(io_), interrupted_(io_) {
    boost::system::error_code error;
    const tcp::endpoint place(asio::ip::address_v4::loopback(), options.port);
    acceptor_.open(place.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(place, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      throw Failure(environment_error("--port: {} cannot be had: {}; --port 0 takes a free one", options.port,
                                      error.message()));
    keys_ = PageKeys::make(acceptor_.local_endpoint().port());
    index_ = index_page({"server", options.scenario, "teacher"});
  }

  std::string address() const { return fmt::format("http://{}/?token={}", keys_.hosts.front(), keys_.first); }

  void run() {
    interrupted_.assign(dup(interrupt_fd()));
    interrupted_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const auto&) { io_.stop(); });
    asio::co_spawn(io_, accept_all(), asio::detached);
    io_.run();
    run_.reset();
  }

 private:
  asio::awaitable<void> accept_all() {
    for (;;) {
      boost::system::error_code error;
      tcp::socket socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error) {
        asio::steady_timer pause(io_, std::chrono::milliseconds(50));
        co_await pause.async_wait(asio::use_awaitable);
      } else if (visitors_ < kMaxVisitors) {
        socket.set_option(tcp::no_delay(true), error);
        asio::co_spawn(io_, visit(beast::tcp_stream(std::move(socket))), asio::detached);
      }
    }
  }

  asio::awaitable<void> visit(beast::tcp_stream stream) {
    ++visitors_;
    try {
      beast::flat_buffer buffer;
      for (bool goes_on = true; goes_on;) {
        http::request_parser<http::string_body> parser;
        parser.body_limit(kMaxPageBody);
        parser.header_limit(kMaxPageHead);
        stream.expires_after(kVisitDeadline);
        boost::system::error_code error;
        co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
        if (error) break;
        const PageMessage request = parser.release();
        const Admission admission = admit(asked(request), keys_);
        if (admission.status == 200 && admission.route == PageRoute::events) {
          co_await stream_events(stream, request);
          break;
        }
        PageReply reply = co_await replied(request, admission);
        goes_on = reply.keep_alive();
        reply.prepare_payload();
        stream.expires_after(kVisitDeadline);
        co_await http::async_write(stream, reply, asio::use_awaitable);
      }
    } catch (const std::exception&) {
      // the visitor has gone
    }
    --visitors_;
  }

  /// A prediction may take a second, in which events go on: it is made by a thread of its own.
  asio::awaitable<PageReply> replied(const PageMessage& request, const Admission& admission) {
    const bool computes = admission.route == PageRoute::call || admission.route == PageRoute::recorded;
    const auto make = [&]() -> asio::awaitable<PageReply> {
      auto reply = caught([&] { return answer(request, admission); });
      co_return reply ? std::move(*reply)
                      : made(request, 500, "text/plain; charset=utf-8", reply.error().message + "\n");
    };
    if (admission.status != 200 || !computes) co_return co_await make();
    co_return co_await asio::co_spawn(calls_, make(), asio::use_awaitable);
  }

  static PageRequest asked(const PageMessage& request) {
    const auto field = [&](auto name) -> std::optional<std::string> {
      if (request.count(name) != 1) return std::nullopt;
      return std::string(request[name]);
    };
    PageRequest page{std::string(request.method_string()), std::string(request.target())};
    page.host = field(http::field::host);
    page.origin = field(http::field::origin);
    if (request.count(http::field::origin) > 1) page.origin = "";
    page.cookie = field(http::field::cookie);
    page.token = field("Lab-Token");
    page.content_type = field(http::field::content_type);
    return page;
  }

  static void add_safety(auto& reply) {
    reply.set("Content-Security-Policy", kPolicy);
    reply.set("X-Content-Type-Options", "nosniff");
    reply.set("Referrer-Policy", "no-referrer");
    reply.set("Cross-Origin-Resource-Policy", "same-origin");
    reply.set(http::field::cache_control, "no-store");
  }

  static PageReply made(const PageMessage& request, unsigned status, std::string_view type,
                        std::string body) {
    PageReply reply{http::int_to_status(status), request.version()};
    reply.keep_alive(request.keep_alive());
    add_safety(reply);
    reply.set(http::field::content_type, type);
    reply.body() = std::move(body);
    return reply;
  }
  static PageReply json_reply(const PageMessage& request, unsigned status, std::string body) {
    return made(request, status, "application/json", std::move(body));
  }

  PageReply answer(const PageMessage& request, const Admission& admission) {
    if (admission.first_visit) {
      // No redirect: where a file or another site led here, a browser keeps a Strict cookie back all along
      // that chain. This way the next visit begins on a page of ours.
      PageReply reply = made(request, 200, "text/plain; charset=utf-8", "");
      reply.set("Refresh", "0; url=/");
      reply.set(http::field::set_cookie,
                fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict", keys_.cookie_name, keys_.cookie));
      keys_.first.clear();
      return reply;
    }
    if (admission.status != 200) {
      PageReply reply = made(request, static_cast<unsigned>(admission.status), "text/plain; charset=utf-8",
                             std::string(admission.why) + "\n");
      if (admission.status == 405) reply.set(http::field::allow, admission.allow);
      reply.keep_alive(false);
      return reply;
    }
    switch (admission.route) {
      case PageRoute::index: return made(request, 200, media_type("index.html"), index_);
      case PageRoute::file: return file_of(request);
      case PageRoute::call: {
        std::string body = answer_call(request.body());
        const unsigned status = body.starts_with("{\"error\"") ? 400 : 200;
        return json_reply(request, status, std::move(body));
      }
      case PageRoute::run: return begin_run(request);
      case PageRoute::stop:
        if (run_) run_->stop();
        return made(request, 204, "text/plain", "");
      case PageRoute::recorded: {
        const auto document = recorded_document(std::string(query_value(request.target(), "scenario")));
        return document ? json_reply(request, 200, *document)
                        : made(request, 404, "text/plain", "nothing of it was recorded\n");
      }
      default: return made(request, 404, "text/plain", "");
    }
  }

  static PageReply file_of(const PageMessage& request) {
    const std::string_view target = request.target();
    const std::string_view name = target.substr(1, target.find('?') - 1);
    const std::string_view bytes = name == "index.html" ? std::string_view{} : page_file(name);
    if (bytes.empty()) return made(request, 404, "text/plain", "there is no such file\n");
    return made(request, 200, media_type(name), std::string(bytes));
  }

  PageReply begin_run(const PageMessage& request) {
    if (run_) return json_reply(request, 409, fmt::format("{{\"run\":{}}}\n", log_.run()));
    const auto words = caught([&] { return words_of_run(request.body()); });
    if (!words) {
      const boost::json::object error{{"exit", static_cast<int>(words.error().kind)},
                                      {"message", words.error().message}};
      return json_reply(request, 400, boost::json::serialize(boost::json::object{{"error", error}}));
    }
    run_ = std::make_shared<PageRun>(io_, *words);
    log_.begin_run();
    asio::co_spawn(io_, follow(run_), asio::detached);
    return json_reply(request, 202, fmt::format("{{\"run\":{}}}\n", log_.run()));
  }

  /// Passes on what the run says.
  asio::awaitable<void> follow(std::shared_ptr<PageRun> run) {
    std::string pending;
    boost::system::error_code error;
    std::string end;  // is said when the process has ended, because a viewer may begin the next run then
    for (;;) {
      const std::size_t size =
          co_await asio::async_read_until(run->lines(), asio::dynamic_buffer(pending), '\n',
                                          asio::redirect_error(asio::use_awaitable, error));
      if (error) break;
      std::string line = pending.substr(0, size - 1);
      pending.erase(0, size);
      if (line.starts_with(R"({"type":"end")")) {
        end = std::move(line);
      } else {
        add_line(std::move(line));
      }
    }
    run->await_end();
    run_.reset();
    if (end.empty()) {
      add_line(R"({"type":"error","exit":3,"message":"the run's process has ended"})");
      end = R"({"type":"end","complete":false,"reason":"the run's process has ended"})";
    }
    add_line(std::move(end));
  }

  /// Until a line is added, at most until the next beat.
  asio::awaitable<void> await_news() {
    asio::steady_timer timer(io_, kBeat);
    boost::system::error_code error;
    const auto place = waiting_.insert(&timer).first;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    waiting_.erase(place);
  }
  void add_line(std::string line) {
    log_.add(std::move(line));
    for (asio::steady_timer* timer : waiting_) timer->cancel();
  }

  asio::awaitable<void> stream_events(beast::tcp_stream& stream, const PageMessage& request) {
    http::response<http::empty_body> head{http::status::ok, request.version()};
    add_safety(head);
    head.set(http::field::content_type, "text/event-stream");
    head.keep_alive(false);
    http::response_serializer<http::empty_body> serializer(head);
    stream.expires_after(kVisitDeadline);
    co_await http::async_write_header(stream, serializer, asio::use_awaitable);
    EventPlace place = EventPlace::parse(request["Last-Event-ID"]).value_or(EventPlace{log_.run(), 0});
    for (;;) {
      std::string text = log_.next(place);
      if (text.empty()) {
        co_await await_news();
        text = log_.next(place);
        if (text.empty()) text = ": beat\n\n";
      }
      stream.expires_after(kVisitDeadline);  // a viewer that reads nothing is dropped, and resumes
      co_await asio::async_write(stream, asio::buffer(text), asio::use_awaitable);
    }
  }

  const PageServerOptions options_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  std::set<asio::steady_timer*> waiting_;  // of viewers that have read all
  asio::posix::stream_descriptor interrupted_;
  PageKeys keys_;
  std::string index_;
  EventLog log_;
  std::shared_ptr<PageRun> run_;
  std::size_t visitors_ = 0;
  asio::thread_pool calls_{1};  // ends before all that it uses
};

/// The reader's browser is given a file that nobody else can read and that leads to the address: a command
/// line is for all to see.
ChildProcess open_browser(const std::string& address, const std::filesystem::path& folder) {
  const auto opener = find_program("xdg-open");
  if (!opener) {
    print_warning("--open: there is no xdg-open here; open the address yourself");
    return {};
  }
  const std::string program = opener->string();
  const std::string file = (folder / "open.html").string();
  std::ofstream(file) << fmt::format("<!DOCTYPE html><meta http-equiv=\"refresh\" content=\"0; url={}\">\n",
                                     address);
  return ChildProcess::start("xdg-open", {},
                             [&] {
                               execl(program.c_str(), program.c_str(), file.c_str(), nullptr);
                               return 127;
                             })
      .value();
}

}  // namespace

int serve_page(const PageServerOptions& options) {
  PageServer server(options);
  print(server.address() + "\n");
  print_error("Open this address once, in the browser that the class sees. Ctrl-C ends it.\n");
  TemporaryFolder folder;
  ChildProcess browser;  // may stay as long as what it opens
  if (options.open) {
    folder = TemporaryFolder::create("lab-files").value();
    browser = open_browser(server.address(), folder.path());
  }
  server.run();
  return interrupt_exit_code();
}

}  // namespace lab
