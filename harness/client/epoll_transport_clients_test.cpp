#include "harness/client/epoll_transport.hpp"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

using namespace lab;
using Words = std::vector<std::string>;

namespace {

/// What is said about the request: the options that are the same for all left out.
Words asked(std::string_view request) {
  Words words = curl_arguments(request);
  const auto first = std::find(words.begin(), words.end(), "--request");
  return {first, words.end()};
}

}  // namespace

TEST_CASE("a client process is curl with the method, the fields and the path of the request") {
  CHECK(asked("GET /forgotten HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nLab-Request: 7\r\n\r\n") ==
        Words{"--request", "GET", "--header", "Lab-Request: 7", "http://127.0.0.1:8000/forgotten"});
  CHECK(asked("POST /delay HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 0\r\n\r\n") ==
        Words{"--request", "POST", "--header", "Content-Length: 0", "http://[::1]:80/delay"});
}

TEST_CASE("a client process reads no .curlrc and uses no proxy") {
  const Words words = curl_arguments("GET / HTTP/1.1\r\nHost: a:1\r\n\r\n");
  CHECK(words.front() == "--disable");  // has to be the first one
  CHECK(std::find(words.begin(), words.end(), "--noproxy") != words.end());
}

TEST_CASE("a client that is never started leaves nothing behind") {
  ClientProcesses clients;
  const UniqueFd end = clients.prepare(3);
  REQUIRE(end.valid());
  CHECK(clients.is_client(3));
  clients.end(3);
  CHECK_FALSE(clients.is_client(3));
  char byte = 0;
  CHECK(read(end.get(), &byte, 1) == 0);  // the other end is closed
}
