#include "runtime/train/content_hash.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "loader/archive/mapped_file.h"

namespace pp {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr uint64_t kPrime1 = 0x9E3779B185EBCA87U;
constexpr uint64_t kPrime2 = 0xC2B2AE3D27D4EB4FU;
constexpr uint64_t kPrime3 = 0x165667B19E3779F9U;
constexpr uint64_t kPrime4 = 0x85EBCA77C2B2AE63U;
constexpr uint64_t kPrime5 = 0x27D4EB2F165667C5U;

/// Takes a value off the front.
template <typename T>
T take(std::span<const std::byte>& bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  bytes = bytes.subspan(sizeof(T));
  return value;
}

uint64_t mix_lane(uint64_t lane, uint64_t input) {
  return std::rotl(lane + input * kPrime2, 31) * kPrime1;
}

uint64_t merge_lane(uint64_t hash, uint64_t lane) {
  return (hash ^ mix_lane(0, lane)) * kPrime1 + kPrime4;
}

/// The part of the input in blocks of four lanes, which is nearly all of it.
uint64_t hash_blocks(std::span<const std::byte>& bytes) {
  std::array<uint64_t, 4> lanes = {
      kPrime1 + kPrime2, kPrime2, 0, uint64_t{0} - kPrime1};
  while (bytes.size() >= 32) {
    for (uint64_t& lane : lanes) {
      lane = mix_lane(lane, take<uint64_t>(bytes));
    }
  }
  uint64_t hash = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) +
                  std::rotl(lanes[2], 12) + std::rotl(lanes[3], 18);
  for (const uint64_t lane : lanes) {
    hash = merge_lane(hash, lane);
  }
  return hash;
}

uint64_t xxh64(std::span<const std::byte> bytes) {
  const uint64_t num_bytes = bytes.size();
  uint64_t hash = num_bytes >= 32 ? hash_blocks(bytes) : kPrime5;
  hash += num_bytes;
  while (bytes.size() >= 8) {
    hash ^= mix_lane(0, take<uint64_t>(bytes));
    hash = std::rotl(hash, 27) * kPrime1 + kPrime4;
  }
  if (bytes.size() >= 4) {
    hash ^= take<uint32_t>(bytes) * kPrime1;
    hash = std::rotl(hash, 23) * kPrime2 + kPrime3;
  }
  while (!bytes.empty()) {
    hash ^= take<uint8_t>(bytes) * kPrime5;
    hash = std::rotl(hash, 11) * kPrime1;
  }
  hash = (hash ^ (hash >> 33)) * kPrime2;
  hash = (hash ^ (hash >> 29)) * kPrime3;
  return hash ^ (hash >> 32);
}

}  // namespace

std::string content_hash(std::span<const std::byte> bytes) {
  std::array<char, 17> text{};
  std::snprintf(
      text.data(),
      text.size(),
      "%016llx",
      static_cast<unsigned long long>(xxh64(bytes)));
  return text.data();
}

std::string file_hash(const std::filesystem::path& path) {
  const MappedFile file(path, MappedFile::Mode::ReadOnly);
  return content_hash(file.bytes());
}

}  // namespace pp
