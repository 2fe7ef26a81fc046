// Reads header fields with Beast's parser. Beast costs seconds to compile: few files include it.
// Under sanitizers GCC 12 sees an optional in it as perhaps uninitialised, which it is not read as.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <boost/beast/http/basic_parser.hpp>
#pragma GCC diagnostic pop

#include <charconv>

#include "lab/servers/http/request_reader.hpp"

namespace lab {

namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

std::string_view view(string_view text) {
  return {text.data(), text.size()};
}

/// `http://host/path?x` asks the same as `/path?x` (RFC 9112, 3.2.2).
std::string_view origin_form(std::string_view target) {
  if (target.front() == '/' || target == "*") return target;
  const std::size_t path = target.find_first_of("/?", target.find("//") + 2);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

class HeaderParser : public http::basic_parser<true> {
 public:
  explicit HeaderParser(Request& request) : request_(request) {
    header_limit(static_cast<std::uint32_t>(kMaxTarget + kMaxFields + 1024));
    body_limit(boost::none);  // the gate has seen to it
  }

 private:
  void on_request_impl(http::verb /*verb*/, string_view method, string_view target, int version,
                       error_code&) override {
    request_.method.assign(view(method));
    const std::string_view path = origin_form(view(target));
    request_.target.clear();
    if (path.front() == '?') request_.target = '/';
    request_.target.append(path);
    request_.http_1_0 = version == 10;
    request_.id = 0;
    request_.upgrade = false;
  }
  void on_field_impl(http::field field, string_view name, string_view value, error_code&) override {
    if (field == http::field::upgrade) request_.upgrade = true;
    if (field != http::field::unknown || !same_word(view(name), "lab-request")) return;
    std::uint32_t id = 0;
    const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), id);
    if (problem == std::errc() && end == value.data() + value.size()) request_.id = id;
  }
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
    return body.size();
  }
  void on_finish_impl(error_code&) override {}

  Request& request_;
};

}  // namespace

bool parse_header(std::string_view block, Request& request) {
  HeaderParser parser(request);
  error_code problem;
  parser.put(boost::asio::buffer(block.data(), block.size()), problem);
  if (problem || !parser.is_header_done()) return false;
  request.keep_alive = parser.keep_alive();
  return true;
}

}  // namespace lab
