#include "runtime/secret/hmac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "loader/core/error.h"

namespace pp {

Mac hmac_sha256(
    std::span<const uint8_t> key, std::span<const uint8_t> message) {
  Mac out{};
  unsigned int size = 0;
  const bool done = HMAC(
                        EVP_sha256(),
                        key.data(),
                        static_cast<int>(key.size()),
                        message.data(),
                        message.size(),
                        out.data(),
                        &size) != nullptr;
  if (!done || size != out.size()) {
    throw runtime_error(
        "can't compute HMAC-SHA256: this machine's OpenSSL refuses it");
  }
  return out;
}

bool equal_in_constant_time(
    std::span<const uint8_t> a, std::span<const uint8_t> b) {
  return a.size() == b.size() &&
         CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string to_hex(std::span<const uint8_t> bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const uint8_t byte : bytes) {
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

}  // namespace pp
