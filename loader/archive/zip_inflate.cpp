#include "loader/archive/zip_inflate.h"

#include <limits>

#include <zlib.h>

namespace pp::zip {

std::optional<std::string> inflate(
    std::span<const std::byte> deflated, uint64_t inflated_bytes) {
  constexpr uint64_t kLargestSize = std::numeric_limits<uInt>::max();
  // Deflate can't compress by more than a factor of 1032. A greater size is
  // refused before memory is allocated for it.
  constexpr uint64_t kBestRatio = 1032;
  if (deflated.size() > kLargestSize || inflated_bytes > kLargestSize ||
      inflated_bytes / kBestRatio > deflated.size()) {
    return std::nullopt;
  }
  std::string out(inflated_bytes, '\0');
  z_stream stream{};
  // Negative window bits: a raw stream, without zlib's own header.
  if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
    return std::nullopt;
  }
  // zlib only reads it, but its structure has no const.
  stream.next_in = reinterpret_cast<Bytef*>(
      const_cast<std::byte*>(deflated.data()));  // NOLINT(*-const-cast)
  stream.avail_in = static_cast<uInt>(deflated.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = ::inflate(&stream, Z_FINISH);
  const bool whole =
      result == Z_STREAM_END && stream.avail_out == 0 && stream.avail_in == 0;
  ::inflateEnd(&stream);
  return whole ? std::optional(std::move(out)) : std::nullopt;
}

uint32_t crc32_of(std::span<const std::byte> bytes) {
  return static_cast<uint32_t>(
      ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace pp::zip
