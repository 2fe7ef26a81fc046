#include "harness/client/tls_transport.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

#include "harness/client/testing/scripted_server.hpp"

using namespace lab;

TEST_CASE("where a session cannot be made as it should be there is no connection, and no plain one") {
  const ScriptedServer server([](const std::string&) { return ScriptedServer::Answer{}; });
  auto sockets = EpollTransport::create("127.0.0.1", server.port, -1).value();
  // Longer than a name may be (RFC 6066: 255), so OpenSSL takes it neither for SNI nor for verification.
  const auto context = TlsContext::create({true}, {std::string(300, 'a')}, "", true).value();
  TlsTransport transport(*sockets, *context);
  CHECK(transport.open(0) == EPROTO);
  CHECK_FALSE(context->problem().empty());
}

TEST_CASE("an endpoint without TLS stays plain beside one that has it") {
  const ScriptedServer server([](const std::string&) { return ScriptedServer::Answer{"hello"}; });
  auto sockets = EpollTransport::create("127.0.0.1", server.port, -1).value();
  const auto context = TlsContext::create({false, true}, {"a", "b"}, "", true).value();
  TlsTransport transport(*sockets, *context);
  REQUIRE(transport.open(0) == 0);
  REQUIRE_FALSE(transport.wait(monotonic_now() + kSecond).empty());
  REQUIRE(transport.opened(0) == 0);
  CHECK(transport.send(0, "GET / HTTP/1.1\r\n\r\n") == 18);
}
