#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "harness/trace/stamps.hpp"
#include "lab/core/http_message.hpp"

namespace lab {

/// The whole number that a JSON object has under this key at its top level; none where there is no such
/// number, or the text is no object.
std::optional<std::int64_t> json_number(std::string_view object, std::string_view key);

/// The same of a string.
std::optional<std::string> json_string(std::string_view object, std::string_view key);

/// Reads replies and keeps of them what is asked for.
class ReplyKeeper final : public ReplyReader {
 public:
  /// Forgets the last reply. `keep_body`: body() will have it. `keep_stamps`: stamps() will.
  void start(bool to_head, bool keep_body, bool keep_stamps) {
    ReplyReader::start(to_head);
    keep_body_ = keep_body;
    body_.clear();
    if (!keep_stamps) {
      stamps_.reset();
    } else if (stamps_ == nullptr) {
      stamps_ = std::make_unique<StampFields>();
    } else {
      stamps_->clear();
    }
  }

  /// Its first 64 KB, where they were to be kept.
  const std::string& body() const { return body_; }
  /// Its stamps, where they were to be kept; otherwise null.
  const StampFields* stamps() const { return stamps_.get(); }

 private:
  Refusal on_field(std::string_view name, std::string_view value) override {
    if (stamps_ != nullptr) stamps_->take(name, value);
    return ReplyReader::on_field(name, value);
  }
  void on_body(std::string_view bytes) override {
    constexpr std::size_t kMaxKept = 65'536;
    if (keep_body_) body_ += bytes.substr(0, kMaxKept - std::min(kMaxKept, body_.size()));
  }
  void on_interim() override {
    if (stamps_ != nullptr) stamps_->clear();
  }

  std::string body_;
  std::unique_ptr<StampFields> stamps_;
  bool keep_body_ = false;
};

}  // namespace lab
