#pragma once

#include <cstddef>
#include <span>

namespace pp {

/// Number of bytes that is_bare_pickle() looks at.
inline constexpr size_t kPickleStart = 9;

/// Whether a file begins as a pickle does (torch.save before torch 1.6 wrote
/// one): with the mark of protocols 2 to 5 and the protocol's number. The two
/// bytes may also be the low bytes of the length of a safetensors header, whose
/// high bytes are 0 and whose header follows.
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
