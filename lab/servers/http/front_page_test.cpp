#include "lab/servers/http/front_page.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>

#include "lab/servers/http/reply.hpp"
#include "lab/servers/http/route_table.hpp"

namespace lab {
namespace {

bool wants_page(std::initializer_list<std::string_view> fields) {
  Preference preference;
  for (const std::string_view field : fields) preference.take(field);
  return preference.page();
}

/// As a browser hashes what stands between these.
std::string hash_between(const std::string& page, std::string_view from, std::string_view to) {
  const std::size_t first = page.find(from) + from.size();
  const std::string text = page.substr(first, page.find(to, first) - first);
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), sum.data(), &size, EVP_sha256(), nullptr);
  std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> letters{};
  const int length = EVP_EncodeBlock(letters.data(), sum.data(), static_cast<int>(size));
  return {letters.begin(), letters.begin() + length};
}

std::string page_of(std::vector<Route> routes) {
  ServerSetup setup;
  setup.arm.modes.assign(std::max<std::size_t>(routes.size(), 1), find_mode("async-loop")->traits);
  setup.builtin_routes = routes.empty();
  setup.routes = std::move(routes);
  const RouteTable table(setup);
  return table.find({.method = "GET", .target = "/"}).route->page;
}

}  // namespace

TEST_CASE("who names a page before JSON gets the page, all others get JSON") {
  CHECK(wants_page({"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}));
  CHECK(wants_page({"application/json;q=0.5", "TEXT/HTML ;q=0.6"}));
  CHECK(wants_page({"text/html;level=1"}));
  for (const std::string_view field :
       {"", "*/*", "text/*", "application/json", "application/json, text/html", "text/html;q=0",
        "text/html;q=x", "text/html;q=0.4, application/json;q=0.5", "text/htmlx", "x/text/html", ",;,",
        "text/html;q="})
    CHECK_FALSE(wants_page({field}));
}

TEST_CASE("the front page's policy names its own script and style") {
  const std::string page = page_of({});
  std::string policy;
  for (const auto& [name, value] : front_page_fields()) {
    if (name == "Content-Security-Policy") policy = value;
  }
  CHECK(policy.find("script-src 'sha256-" + hash_between(page, "<script>", "</script>") + "'") !=
        std::string::npos);
  CHECK(policy.find("style-src 'sha256-" + hash_between(page, "<style>", "</style>") + "'") !=
        std::string::npos);
  std::string reply;
  append_reply(reply, {.page = true}, page);
  CHECK(reply.find(
            "\r\nContent-Type: text/html; charset=utf-8\r\nContent-Security-Policy: default-src 'none';") !=
        std::string::npos);
  CHECK(reply.find("application/json\r\n") == std::string::npos);
}

TEST_CASE("the front page links what a browser can open, and sends ten of what it can send") {
  const std::string page = page_of({});
  CHECK(page.find("<a href=\"/delay?ms=100\">GET /delay?ms=100</a>") != std::string::npos);
  CHECK(page.find("data-method=\"POST\" data-path=\"/cpu?ms=100\"") != std::string::npos);
  const std::string own = page_of({{"a", "GET", "/<b>\"&'", {}}, {"b", "GET", "/result/{id}", {}}});
  CHECK(own.find("<b>") == std::string::npos);
  CHECK(own.find("<a href=\"/&#60;b&#62;&#34;&#38;&#39;\">") != std::string::npos);
  CHECK(own.find("data-path=\"/result/") == std::string::npos);
}

TEST_CASE("a scenario's own / that does something stays as it is for a browser, too") {
  CHECK(page_of({{"root", "GET", "/", {{Wait{kMillisecond}}}}}).empty());
  CHECK_FALSE(page_of({{"root", "GET", "/", {}}}).empty());
}

}  // namespace lab
