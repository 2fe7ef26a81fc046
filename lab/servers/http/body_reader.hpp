#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lab/servers/http/request_gate.hpp"

namespace lab {

/// Finds the end of a request's body, strictly (RFC 9112, 6 and 7.1), in constant memory. Not thread-safe.
class BodyReader {
 public:
  enum class Progress : std::uint8_t { more, whole, refused };

  BodyReader() = default;
  static BodyReader with_length(std::uint64_t bytes);
  /// Chunks that announce more than `limit` bytes in all are refused with 413 and that reason.
  static BodyReader with_chunks(std::uint64_t limit, std::string_view too_big);

  /// Takes the body's bytes off the front of `bytes`. Nobody reads them, so they are not kept.
  Progress read(std::string_view& bytes);
  const Refusal& refusal() const { return refusal_; }

 private:
  enum class State : std::uint8_t { size, extension, data, data_end, trailer, done };

  Progress refuse(int status, std::string_view reason);
  void take_data(std::string_view& bytes);
  bool line_byte(char c);  // false: refused
  bool end_of_line();      // false: refused

  Refusal refusal_;
  std::uint64_t left_ = 0;  // of the body or of the chunk
  std::uint64_t total_ = 0;
  std::uint64_t limit_ = 0;
  std::string_view too_big_;
  std::string line_;            // a trailer line so far
  std::size_t line_bytes_ = 0;  // of the size line, or of all trailers
  int digits_ = 0;
  State state_ = State::done;
  bool chunked_ = false;
  bool after_cr_ = false;
};

}  // namespace lab
