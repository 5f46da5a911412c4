#pragma once

#include <cstddef>
#include <span>

namespace pp {

/// Number of bytes that is_bare_pickle() looks at.
inline constexpr size_t kPickleStart = 9;

/// Whether a file begins as a pickle does (torch.save wrote pickles before
/// torch 1.6): with the opcode of protocols 2 to 5 and the protocol's number. A
/// safetensors file may begin with the same two bytes, as the low bytes of its
/// header's length; then the high bytes of the length are 0 and the header
/// follows.
///
/// bytes  the file's first kPickleStart bytes or more; fewer if it is shorter
inline bool is_bare_pickle(std::span<const std::byte> bytes) {
  constexpr std::byte kMark{0x80};
  constexpr std::byte kFirstProtocol{2};
  constexpr std::byte kLastProtocol{5};
  const bool is_safetensors =
      bytes.size() >= kPickleStart && bytes[6] == std::byte{0} &&
      bytes[7] == std::byte{0} && bytes[8] == std::byte{'{'};
  return bytes.size() >= 2 && bytes[0] == kMark && bytes[1] >= kFirstProtocol &&
         bytes[1] <= kLastProtocol && !is_safetensors;
}

}  // namespace pp
