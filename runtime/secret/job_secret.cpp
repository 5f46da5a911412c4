#include "runtime/secret/job_secret.h"

#include <cstdint>
#include <utility>

#include "loader/core/error.h"
#include "runtime/secret/random_bytes.h"

namespace pp {
namespace {

constexpr size_t kFewestBytes = 16;
constexpr size_t kRandomBytes = 32;

void append_part(std::vector<uint8_t>& message, std::string_view part) {
  // The length in a fixed byte order: machines of one job may differ.
  for (unsigned shift = 0; shift < 64; shift += 8) {
    message.push_back(static_cast<uint8_t>(uint64_t{part.size()} >> shift));
  }
  message.insert(message.end(), part.begin(), part.end());
}

}  // namespace

JobSecret::JobSecret(std::string value) : value_(std::move(value)) {
  if (exists() && value_.size() < kFewestBytes) {
    throw usage_error(
        "the environment variable " + std::string(kSecretVariable) + " has " +
        std::to_string(value_.size()) + " bytes; it must have at least " +
        std::to_string(kFewestBytes) +
        ", such as the output of: openssl rand -hex 32");
  }
}

JobSecret JobSecret::random() {
  return JobSecret(to_hex(random_bytes(kRandomBytes)));
}

Mac JobSecret::sign(
    std::string_view purpose,
    const std::vector<std::string_view>& parts) const {
  check(exists(), "a secret to sign with");
  std::vector<uint8_t> message;
  append_part(message, purpose);
  for (const std::string_view part : parts) {
    append_part(message, part);
  }
  return hmac_sha256(
      {reinterpret_cast<const uint8_t*>(value_.data()), value_.size()},
      message);
}

}  // namespace pp
