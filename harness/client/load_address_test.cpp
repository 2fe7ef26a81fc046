#include "harness/client/load_address.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace lab;

TEST_CASE("a URL is taken apart") {
  const Url url = parse_url("HTTP://example.org:8080/a%20b?c=d&e=/?").value();
  CHECK_FALSE(url.tls);
  CHECK(url.host == "example.org");
  CHECK(url.port == 8080);
  CHECK(url.target == "/a%20b?c=d&e=/?");
  CHECK(url.authority() == "example.org:8080");
  CHECK(parse_url("https://example.org").value().origin() == "https://example.org:443");
  CHECK(parse_url("https://example.org").value().target == "/");
  CHECK(parse_url("http://example.org?x").value().target == "/?x");
  CHECK(parse_url("http://[::1]:81/").value().authority() == "[::1]:81");
  CHECK(parse_url("http://[::1]/").value().authority() == "[::1]");
}

TEST_CASE("a Unix socket is a path, a colon and the target") {
  const Url url = parse_url("unix:/run/app.sock:/report?a=b").value();
  CHECK(url.socket == "/run/app.sock");
  CHECK(url.target == "/report?a=b");
  CHECK(url.authority() == "localhost");
  CHECK(parse_url(url.origin() + "/ping").value().target == "/ping");
  CHECK(parse_url("unix:/run/app.sock").value().target == "/");
  CHECK(parse_url("unix:/" + std::string(120, 'a')).has_error());
  const std::vector<Address> addresses = resolve(url).value();
  REQUIRE(addresses.size() == 1);
  CHECK(addresses.front().text() == "/run/app.sock");
  CHECK(addresses.front().port() == 0);
  CHECK(addresses.front().is_private());
}

TEST_CASE("what is no URL is refused with what to write instead") {
  const std::pair<const char*, const char*> refused[] = {
      {"localhost:8000/x", "write http://localhost:8000/x"},
      {"ws://a/", "lab knows http and https"},
      {"http://", "has no host"},
      {"http:///x", "has no host"},
      {"http://a:0/", "give 1 to 65535"},
      {"http://a:/", "give 1 to 65535"},
      {"http://a:80x/", "give 1 to 65535"},
      {"http://a:65536/", "give 1 to 65535"},
      {"http://u@a/", "names a user"},
      {"http://user:pw@a:80/", "names a user"},
      {"http://user:80@a/", "names a user"},
      {"http+unix://%2Frun%2Fapp.sock/x", "write unix:/run/app.sock:/path"},
      {"unix::/x", "names no socket"},
      {"unix:/run/app.sock:x", "behind its host"},
      {"http://[::g]/", "no IPv6 address"},
      {"http://a/b c", "write %20"},
      {"http://a/\xc3\xa4", "write %C3"},
      {"http://a/%4", "write %25"},
      {"http://a/#top", "never sent"},
      {"http://a\\b/", "behind its host"}};
  for (const auto& [text, problem] : refused) {
    const auto url = parse_url(text);
    CAPTURE(text);
    REQUIRE(url.has_error());
    CHECK(url.error().kind == ErrorKind::usage);
    CHECK_THAT(url.error().message, Catch::Contains(problem));
  }
}

TEST_CASE("localhost is both loopback addresses, whatever the machine's hosts file says") {
  std::vector<std::string> found;
  for (const Address& address : resolve("localhost", 80).value()) found.push_back(address.text());
  for (const char* address : {"127.0.0.1", "::1"})
    CHECK(std::count(found.begin(), found.end(), address) == 1);
}

TEST_CASE("loopback and private networks are distinguished from the rest of the world") {
  const auto is_private = [](const std::string& host) {
    return resolve(host, 80).value().front().is_private();
  };
  for (const char* host :
       {"127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.1.1",
        "0.0.0.0", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1"})
    CHECK(is_private(host));
  for (const char* host : {"8.8.8.8", "172.32.0.1", "172.15.255.255", "192.169.0.1", "11.0.0.1",
                           "2001:db8::1", "::ffff:8.8.8.8", "ff02::1"})
    CHECK_FALSE(is_private(host));
}
