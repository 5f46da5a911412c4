#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace pp::zip {

/// Inflates a record to exactly `inflated_bytes` bytes. Returns nullopt if the
/// stream is damaged or yields another number of bytes.
std::optional<std::string> inflate(
    std::span<const std::byte> deflated, uint64_t inflated_bytes);

/// Computes the CRC-32 that zip uses.
uint32_t crc32_of(std::span<const std::byte> bytes);

}  // namespace pp::zip
