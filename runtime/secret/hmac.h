#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace pp {

/// A message authentication code: only who has the key can compute it.
using Mac = std::array<uint8_t, 32>;

/// Computes HMAC-SHA256 (RFC 2104).
Mac hmac_sha256(std::span<const uint8_t> key, std::span<const uint8_t> message);

/// Compares in a time that doesn't depend on the first byte that differs, so
/// that a code can't be guessed byte by byte.
bool equal_in_constant_time(
    std::span<const uint8_t> a, std::span<const uint8_t> b);

/// Returns the bytes as lower-case hexadecimal digits.
std::string to_hex(std::span<const uint8_t> bytes);

}  // namespace pp
