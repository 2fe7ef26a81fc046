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
#include <functional>
#include <memory>
#include <optional>
#include <set>

#include "lab/core/interrupt.hpp"
#include "lab/core/process.hpp"
#include "lab/core/temporary.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/page/admission.hpp"
#include "lab/page/class_vote.hpp"
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
using NextEvents = std::function<std::string()>;  // what a viewer has not read yet; empty: nothing new

/// How much a door takes. Students have a door of their own, so they cannot fill the teacher's.
struct DoorLimits {
  std::size_t visitors;  // connections at a time; others wait in the kernel's queue
  std::uint64_t body;    // bytes
  std::uint32_t head;
};
constexpr DoorLimits kTeacherLimits{200, 2 << 20, 16 << 10};
/// A stream for each phone, and some that load the page meanwhile.
constexpr DoorLimits kStudentLimits{PageKeys::kMaxPhones + 200, 4 << 10, 8 << 10};
constexpr auto kPauseWhenFull = std::chrono::milliseconds(50);
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

/// Wakes viewers that have read all.
class PageNews {
 public:
  explicit PageNews(asio::io_context& io) : io_(io) {}

  /// Until something new is said, at most until the next beat.
  asio::awaitable<void> await() {
    asio::steady_timer timer(io_, kBeat);
    boost::system::error_code error;
    const auto place = waiting_.insert(&timer).first;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    waiting_.erase(place);
  }
  void say() {
    for (asio::steady_timer* timer : waiting_) timer->cancel();
  }

 private:
  asio::io_context& io_;
  std::set<asio::steady_timer*> waiting_;
};

/// An address at which the page is served, for those of one role.
struct PageDoor {
  PageDoor(asio::io_context& io, const DoorLimits& limits) : acceptor(io), limits(limits) {}

  /// Returns its port.
  std::uint16_t open(const asio::ip::address& address, std::uint16_t port) {
    boost::system::error_code error;
    const tcp::endpoint place(address, port);
    acceptor.open(place.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(place, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      throw Failure(environment_error("--port: {} cannot be had: {}; --port 0 takes a free one", port,
                                      error.message()));
    return acceptor.local_endpoint().port();
  }

  tcp::acceptor acceptor;
  const DoorLimits limits;
  PageKeys keys;
  std::string index;
  std::size_t visitors = 0;
};

class PageServer {
 public:
  explicit PageServer(const PageServerOptions& options) : interrupted_(io_) {
    teacher_.keys = PageKeys::for_teacher(teacher_.open(asio::ip::address_v4::loopback(), options.port));
    if (options.with_class) open_class(options.port);
    teacher_.index = index_page({"server", options.scenario, PageRole::teacher, join_});
  }

  /// Of the teacher.
  std::string address() const {
    return fmt::format("http://{}/?token={}", teacher_.keys.hosts.front(), teacher_.keys.first);
  }
  /// Of students; empty where no class takes part.
  const std::string& join() const { return join_; }

  void run() {
    interrupted_.assign(dup(interrupt_fd()));
    interrupted_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const auto&) { io_.stop(); });
    asio::co_spawn(io_, accept_all(teacher_), asio::detached);
    if (!join_.empty()) asio::co_spawn(io_, accept_all(students_), asio::detached);
    io_.run();
    run_.reset();
  }

 private:
  void open_class(std::uint16_t port) {
    const auto found = class_address(network_addresses());
    if (!found)
      throw Failure(environment_error(
          "--class: this machine is in no network in which phones could reach it; connect it, or leave "
          "--class out: the page counts raised hands, too"));
    const std::uint16_t had = students_.open(asio::ip::make_address(found->address), port);
    students_.keys = PageKeys::for_students(found->address, had);
    students_.index = index_page({"server", "", PageRole::student});
    join_ = fmt::format("http://{}/", students_.keys.hosts.front());
  }

  asio::awaitable<void> accept_all(PageDoor& door) {
    for (;;) {
      boost::system::error_code error;
      if (door.visitors < door.limits.visitors) {
        tcp::socket socket =
            co_await door.acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (!error) {
          socket.set_option(tcp::no_delay(true), error);
          asio::co_spawn(io_, visit(door, beast::tcp_stream(std::move(socket))), asio::detached);
          continue;
        }
      }
      asio::steady_timer pause(io_, kPauseWhenFull);
      co_await pause.async_wait(asio::use_awaitable);
    }
  }

  asio::awaitable<void> visit(PageDoor& door, beast::tcp_stream stream) {
    ++door.visitors;
    try {
      beast::flat_buffer buffer;
      for (bool goes_on = true; goes_on;) {
        http::request_parser<http::string_body> parser;
        parser.body_limit(door.limits.body);
        parser.header_limit(door.limits.head);
        stream.expires_after(kVisitDeadline);
        boost::system::error_code error;
        co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
        if (error) break;
        const PageMessage request = parser.release();
        const Admission admission = admit(asked(request), door.keys);
        if (admission.status == 200 && co_await has_streamed(stream, request, admission)) break;
        PageReply reply = co_await replied(door, request, admission);
        // A phone keeps one connection, that of its stream: the room is for others.
        if (door.keys.role == PageRole::student) reply.keep_alive(false);
        goes_on = reply.keep_alive();
        reply.prepare_payload();
        stream.expires_after(kVisitDeadline);
        co_await http::async_write(stream, reply, asio::use_awaitable);
      }
    } catch (const std::exception&) {
      // the visitor has gone
    }
    --door.visitors;
  }

  /// A prediction may take a second, in which events go on: it is made by a thread of its own.
  asio::awaitable<PageReply> replied(PageDoor& door, const PageMessage& request, const Admission& admission) {
    const bool computes = admission.route == PageRoute::call || admission.route == PageRoute::recorded;
    const auto make = [&]() -> asio::awaitable<PageReply> {
      auto reply = caught([&] { return answer(door, request, admission); });
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

  PageReply answer(PageDoor& door, const PageMessage& request, const Admission& admission) {
    if (admission.first_visit && door.keys.role == PageRole::student) return let_phone_in(request);
    if (admission.first_visit) {
      // No redirect: where a file or another site led here, a browser keeps a Strict cookie back all along
      // that chain. This way the next visit begins on a page of ours.
      PageReply reply =
          made(request, 200, media_type(".html"),
               "<!DOCTYPE html><title>Concurrency Lab</title><link rel=\"icon\" href=\"data:,\">");
      reply.set("Refresh", "0; url=/");
      reply.set(http::field::set_cookie, fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict",
                                                     door.keys.cookie_name, door.keys.cookie));
      door.keys.first.clear();
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
      case PageRoute::index: return made(request, 200, media_type("index.html"), door.index);
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
      case PageRoute::vote:
        if (join_.empty()) break;
        return checked_reply(request, [&] {
          vote_.set(request.body());
          ballots_.say();
          votes_.say();
          return made(request, 204, "text/plain", "");
        });
      case PageRoute::guess:
        return checked_reply(request, [&] {
          if (!vote_.cast(admission.phone, request.body()))
            return made(request, 409, "text/plain", "this vote is closed\n");
          votes_.say();
          return made(request, 204, "text/plain", "");
        });
      default: break;
    }
    return made(request, 404, "text/plain", "");
  }

  /// What `reply` gives; what it refuses is an answer too.
  template <class Reply>
  static PageReply checked_reply(const PageMessage& request, const Reply& reply) {
    auto checked = caught(reply);
    if (checked) return *std::move(checked);
    const boost::json::object error{{"exit", static_cast<int>(checked.error().kind)},
                                    {"message", checked.error().message}};
    return json_reply(request, 400, boost::json::serialize(boost::json::object{{"error", error}}));
  }

  /// Lax, because a link in a chat may lead here again, and the phone is the same one then.
  PageReply let_phone_in(const PageMessage& request) {
    PageReply reply = made(request, 200, media_type("index.html"), students_.index);
    const std::string& phone = *students_.keys.phones.insert(random_key()).first;
    reply.set(http::field::set_cookie,
              fmt::format("{}={}; Path=/; HttpOnly; SameSite=Lax", students_.keys.cookie_name, phone));
    votes_.say();
    return reply;
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
    return checked_reply(request, [&] {
      run_ = std::make_shared<PageRun>(io_, words_of_run(request.body()));
      log_.begin_run();
      asio::co_spawn(io_, follow(run_), asio::detached);
      return json_reply(request, 202, fmt::format("{{\"run\":{}}}\n", log_.run()));
    });
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

  void add_line(std::string line) {
    log_.add(std::move(line));
    lines_.say();
  }

  /// False: what is asked for is no stream.
  asio::awaitable<bool> has_streamed(beast::tcp_stream& stream, const PageMessage& request,
                                     const Admission& admission) {
    if (admission.route == PageRoute::events) {
      EventPlace place = EventPlace::parse(request["Last-Event-ID"]).value_or(EventPlace{log_.run(), 0});
      const NextEvents next = [&] { return log_.next(place); };
      co_await stream_news(stream, request, lines_, next);
      co_return true;
    }
    const bool votes = admission.route == PageRoute::votes && !join_.empty();
    if (!votes && admission.route != PageRoute::ballot) co_return false;
    std::string before;  // who comes back gets the present state, and has missed nothing
    const NextEvents next = [&] {
      std::string now = votes ? vote_.counts(students_.keys.phones.size()) : vote_.ballot(admission.phone);
      if (now == before) return std::string();
      before = std::move(now);
      return fmt::format("event: {}\ndata: {}\n\n", votes ? "votes" : "ballot", before);
    };
    co_await stream_news(stream, request, votes ? votes_ : ballots_, next);
    co_return true;
  }

  asio::awaitable<void> stream_news(beast::tcp_stream& stream, const PageMessage& request, PageNews& news,
                                    const NextEvents& next) {
    http::response<http::empty_body> head{http::status::ok, request.version()};
    add_safety(head);
    head.set(http::field::content_type, "text/event-stream");
    head.keep_alive(false);
    http::response_serializer<http::empty_body> serializer(head);
    stream.expires_after(kVisitDeadline);
    co_await http::async_write_header(stream, serializer, asio::use_awaitable);
    for (;;) {
      std::string text = next();
      if (text.empty()) {
        co_await news.await();
        text = next();
        if (text.empty()) text = ": beat\n\n";
      }
      stream.expires_after(kVisitDeadline);  // a viewer that reads nothing is dropped, and resumes
      co_await asio::async_write(stream, asio::buffer(text), asio::use_awaitable);
    }
  }

  asio::io_context io_{1};
  PageNews lines_{io_}, ballots_{io_}, votes_{io_};  // of the run, for phones, for the teacher
  PageDoor teacher_{io_, kTeacherLimits}, students_{io_, kStudentLimits};
  asio::posix::stream_descriptor interrupted_;
  std::string join_;
  EventLog log_;
  ClassVote vote_;
  std::shared_ptr<PageRun> run_;
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
  if (!server.join().empty()) {
    print(server.join() + "\n");
    print_error(
        "Students open this one, which the page shows with its QR code. Where phones do not reach it "
        "(a guest network, a firewall, WSL), type the raised hands on the page.\n");
    print_warning("--class: everybody on this network can read the question at that address, and vote");
  }
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
