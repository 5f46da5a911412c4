#pragma once

#include <cstddef>
#include <span>

namespace pp {

/// Number of bytes at the start of a file that is_bare_pickle() examines.
inline constexpr size_t kPickleStart = 9;

/// Whether a file begins like a pickle: with the opcode PROTO and a protocol
/// number from 2 to 5. torch.save wrote bare pickles before torch 1.6. A
/// safetensors file may begin with the same two bytes, because it begins with
/// the length of its header. Such a file is recognised by the high bytes of
/// that length, which are 0, and by the first byte of its header.
///
/// bytes  the first kPickleStart bytes of the file or more; fewer if the file
///        is shorter
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
