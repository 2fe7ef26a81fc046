#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <string_view>
#include <type_traits>

#include "lab/core/error.hpp"

namespace lab {

/// Values in memory that a process shares with those that it forks, or through a descriptor with any. They
/// are begun once and never destroyed: whoever dies holding them leaves them as they are.
template <class T>
class SharedMemory {
 public:
  /// `count` values, of a descriptor's bytes where there is one. Fresh bytes are zero and cost nothing until
  /// they are touched; so values that need no more are not. Errors: mmap's, with `name` for the memory.
  static Result<SharedMemory> create(std::string_view name, std::size_t count = 1, int descriptor = -1) {
    const std::size_t bytes = count * sizeof(T);
    const int kind = MAP_SHARED | MAP_NORESERVE | (descriptor < 0 ? MAP_ANONYMOUS : 0);
    void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kind, descriptor, 0);
    if (memory == MAP_FAILED) return system_error("mmap", name, errno);
    SharedMemory shared;
    shared.values_ = {static_cast<T*>(memory), Unmap{bytes}};
    if constexpr (!std::is_trivially_default_constructible_v<T>)
      std::uninitialized_default_construct_n(shared.get(), count);
    return shared;
  }

  T* get() const { return values_.get(); }
  T& operator*() const { return *values_; }
  T* operator->() const { return values_.get(); }
  T& operator[](std::size_t index) const { return values_.get()[index]; }
  explicit operator bool() const { return values_ != nullptr; }

 private:
  struct Unmap {
    std::size_t bytes = 0;
    void operator()(T* values) const { munmap(values, bytes); }
  };
  std::unique_ptr<T, Unmap> values_;
};

}  // namespace lab
