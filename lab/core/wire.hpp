#pragma once

#include <array>
#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <cstring>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace lab {

/// Values as bytes between processes of one build: the same call writes them one after the other and reads
/// them back, as their descriptions beside the caller name their fields. Not thread-safe.
class Wire {
 public:
  /// Writes.
  Wire() = default;
  /// Reads; throws std::runtime_error where the bytes are not what was written.
  explicit Wire(std::string_view bytes) : rest_(bytes), reads_(true) {}

  template <class... Values>
  Wire& operator()(Values&... values) {
    (value(values), ...);
    return *this;
  }
  std::string take() { return std::move(bytes_); }
  bool at_end() const { return rest_.empty(); }

 private:
  void raw(void* data, std::size_t size) {
    if (!reads_) {
      bytes_.append(static_cast<const char*>(data), size);
    } else {
      std::memcpy(data, piece(size).data(), size);
    }
  }
  std::string_view piece(std::size_t size) {
    if (size > rest_.size()) throw std::runtime_error("it ends early");
    const std::string_view front = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return front;
  }
  /// How many follow; each of them takes a byte or more.
  std::size_t count(std::size_t own) {
    raw(&own, sizeof own);
    if (reads_ && own > rest_.size()) throw std::runtime_error("it ends early");
    return own;
  }

  template <class T>
  void value(T& it) {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      raw(&it, sizeof it);
    } else {
      boost::mp11::mp_for_each<boost::describe::describe_members<T, boost::describe::mod_any_access>>(
          [&](auto member) { value(it.*member.pointer); });
    }
  }
  void value(std::string& text) {
    const std::size_t size = count(text.size());
    if (reads_) {
      text = piece(size);
    } else {
      bytes_ += text;
    }
  }
  template <class T>
  void value(std::vector<T>& all) {
    all.resize(count(all.size()));
    if constexpr (std::is_arithmetic_v<T>) {
      if (!all.empty()) raw(all.data(), all.size() * sizeof(T));
    } else {
      for (T& one : all) value(one);
    }
  }
  template <class T>
  void value(std::optional<T>& one) {
    bool there = one.has_value();
    value(there);
    if (there && !one) one.emplace();
    if (there) value(*one);
  }
  template <class T, std::size_t size>
  void value(std::array<T, size>& all) {
    for (T& one : all) value(one);
  }
  template <class T>
  void value(std::map<std::string, T>& all) {
    std::vector<std::pair<std::string, T>> pairs(all.begin(), all.end());
    pairs.resize(count(pairs.size()));
    for (auto& [key, one] : pairs) (*this)(key, one);
    all = {pairs.begin(), pairs.end()};
  }
  template <class... Kinds>
  void value(std::variant<Kinds...>& one) {
    std::size_t kind = one.index();
    raw(&kind, sizeof kind);
    if (kind >= sizeof...(Kinds)) throw std::runtime_error("it has an unknown kind");
    boost::mp11::mp_with_index<sizeof...(Kinds)>(kind, [&](auto index) {
      if (reads_) one.template emplace<index>();
      value(std::get<index>(one));
    });
  }

  std::string bytes_;
  std::string_view rest_;
  bool reads_ = false;
};

template <class T>
std::string to_bytes(T value) {
  return Wire()(value).take();
}

/// Throws std::runtime_error where the bytes are not a T that to_bytes() has written.
template <class T>
T from_bytes(std::string_view bytes) {
  T value;
  Wire wire(bytes);
  wire(value);
  if (!wire.at_end()) throw std::runtime_error("there is more than was written");
  return value;
}

}  // namespace lab
