#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lab/servers/http/body_reader.hpp"
#include "lab/servers/http/body_rules.hpp"
#include "lab/servers/http/request_gate.hpp"

namespace lab {

/// What a handler's caller needs of one request.
struct Request {
  std::string method;
  std::string target;    ///< in origin form: `/delay?ms=100`
  std::uint32_t id = 0;  ///< the header `Lab-Request`; 0: none
  bool http_1_0 = false;
  bool keep_alive = true;
  bool upgrade = false;  ///< it asks for another protocol; the reader keeps its header block

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  std::string_view query() const;
  bool head() const { return method == "HEAD"; }
};

/// Reads a whole header block, blank line included, with Beast's parser; false where Beast refuses what the
/// gate let pass.
bool parse_header(std::string_view block, Request& request);

/// Turns the bytes of one connection into requests. Holds no more than one header (16 KB); bodies are
/// counted and let go. Not thread-safe.
class RequestReader {
 public:
  enum class State : std::uint8_t {
    more,     ///< needs bytes that have not come
    proceed,  ///< once a request: the client waits for `100 Continue` before it sends the body
    whole,    ///< request() is complete
    refused,  ///< refusal() says why; the connection is of no more use
  };

  /// `rules` may be null: the server's own limit holds for every body; else it must outlive the reader.
  explicit RequestReader(const BodyRules* rules = nullptr) : rules_(rules) {}

  /// Takes what belongs to this request off the front of `bytes`.
  State parse(std::string_view& bytes);
  /// Forgets the request; the next bytes begin another.
  void next();

  /// Nothing of a request has come.
  bool idle() const { return !begun_; }
  bool in_body() const { return in_body_; }
  const Request& request() const { return request_; }
  const Refusal& refusal() const { return refusal_; }
  /// How long the body may take to arrive; 0: the server's own limit.
  Nanos body_deadline() const { return body_deadline_; }

  /// From now on: keep the header block of each request, for a parser behind this one.
  void keep_text() { keep_text_ = true; }
  const std::string& header_text() const { return header_; }

 private:
  State parse_head(std::string_view& bytes);
  State begin_body(std::string_view& bytes);
  State parse_body(std::string_view& bytes);
  State refuse(Refusal refusal);

  RequestGate gate_;
  BodyReader body_reader_;
  Request request_;
  Refusal refusal_;
  const BodyRules* rules_;
  Nanos body_deadline_ = 0;
  std::string header_;  // unfinished header bytes, or what is kept
  bool begun_ = false;
  bool in_body_ = false;
  bool keep_text_ = false;
};

}  // namespace lab
