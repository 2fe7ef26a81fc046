#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lab/core/plan.hpp"

namespace lab {

/// One route's request, made before the load; only the digits of `Lab-Request` change from one to the next.
class RequestText {
 public:
  /// `identify` off: without the header `Lab-Request`.
  RequestText(const Route& route, const std::string& host, std::uint16_t port, bool identify);

  /// The whole request as sent. Valid until the next call; allocates nothing.
  std::string_view with_id(std::uint32_t id) noexcept;
  bool is_head() const { return is_head_; }

 private:
  std::string text_;
  std::size_t digits_ = 0;  // where they begin; 0: no id
  bool is_head_ = false;
};

}  // namespace lab
