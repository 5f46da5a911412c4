#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

#include "loader/core/error.h"

/// Gives one input to the reader that a harness tests. libFuzzer calls it again
/// and again in one process, and `replay.cpp` calls it for known files. An
/// Error is the right answer to a bad input; any other exception, a crash, a
/// report of a sanitizer, more than 5 s and more than 1 GB are findings.
///
/// returns  0
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace pp::fuzz {

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Runs `body`, which may refuse its input with an Error. Returns whether it
/// didn't.
template <class Body>
bool accepts(Body body) {
  try {
    body();
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// Reports a finding unless the condition holds.
inline void require(bool holds, const char* claim) {
  if (!holds) {
    std::fprintf(stderr, "false: %s\n", claim);
    std::abort();
  }
}

/// Reads every byte, so that a view outside of its memory is noticed.
inline void touch(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const std::byte byte : bytes) {
    sum += std::to_integer<unsigned>(byte);
  }
  static_cast<void>(*static_cast<volatile unsigned*>(&sum));
}

/// An input as a row of numbers, followed by bytes.
class Numbers {
 public:
  Numbers(const uint8_t* data, size_t size) : left_(data, size) {}

  /// The next number; zeros where the input ends.
  template <class T>
  T next() {
    T value{};
    const auto from = take(sizeof(T));
    if (!from.empty()) {
      std::memcpy(&value, from.data(), from.size());
    }
    return value;
  }

  /// The next `count` bytes, or fewer where the input ends.
  std::span<const uint8_t> take(size_t count) {
    const auto head = left_.first(count < left_.size() ? count : left_.size());
    left_ = left_.subspan(head.size());
    return head;
  }

  std::span<const uint8_t> rest() const { return left_; }

 private:
  std::span<const uint8_t> left_;
};

}  // namespace pp::fuzz
