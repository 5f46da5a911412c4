#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "loader/core/error.h"

namespace pp::wire {

/// Makes the error for a received message that no rank of this build of pp
/// sends. `what` says what is wrong with it.
inline Error bad(const std::string& what) {
  return runtime_error(
      "a message with a damaged header arrived: " + what +
      "; does every rank run the same build of pp?");
}

/// Appends values to `bytes` in their in-memory form.
class Writer {
 public:
  template <class T>
  void put(const T& value) {
    static_assert(
        std::has_unique_object_representations_v<T>,
        "padding would send bytes that nobody has written");
    append(&value, sizeof(T));
  }
  void append(const void* data, size_t num_bytes) {
    const auto* from = static_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), from, from + num_bytes);
  }

  std::vector<std::byte> bytes;
};

/// Reads values that a Writer wrote. Throws bad() instead of reading past the
/// end.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : left_(bytes) {}

  template <class T>
  T get() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::span<const std::byte> take(size_t num_bytes) {
    if (num_bytes > left_.size()) {
      throw bad("it ends early");
    }
    const auto head = left_.first(num_bytes);
    left_ = left_.subspan(num_bytes);
    return head;
  }
  bool empty() const { return left_.empty(); }

 private:
  std::span<const std::byte> left_;
};

}  // namespace pp::wire
