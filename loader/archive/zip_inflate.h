#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace pp::zip {

/// Inflates a deflated record of exactly `inflated_bytes` bytes; null if the
/// stream is damaged or gives another number of bytes.
std::optional<std::string> inflate(
    std::span<const std::byte> deflated, uint64_t inflated_bytes);

/// The CRC-32 that zip uses, of any length.
uint32_t crc32_of(std::span<const std::byte> bytes);

}  // namespace pp::zip
