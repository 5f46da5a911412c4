#include "runtime/secret/hmac.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/secret/random_bytes.h"

namespace pp {
namespace {

std::vector<uint8_t> bytes(const std::string& text) {
  return {text.begin(), text.end()};
}

std::string hex_of(const std::string& key, const std::string& message) {
  return to_hex(hmac_sha256(bytes(key), bytes(message)));
}

TEST(Hmac, HasTheValuesOfRfc4231) {
  EXPECT_EQ(
      hex_of(std::string(20, '\x0b'), "Hi There"),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(
      hex_of("Jefe", "what do ya want for nothing?"),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(
      hex_of(
          std::string(131, '\xaa'),
          "Test Using Larger Than Block-Size Key - Hash Key First"),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, OnlyEqualBytesAreEqual) {
  EXPECT_TRUE(equal_in_constant_time(bytes(""), bytes("")));
  EXPECT_TRUE(equal_in_constant_time(bytes("abc"), bytes("abc")));
  EXPECT_FALSE(equal_in_constant_time(bytes("abc"), bytes("abd")));
  EXPECT_FALSE(equal_in_constant_time(bytes("abc"), bytes("ab")));
}

TEST(RandomBytes, AreNeverTheSame) {
  EXPECT_EQ(random_bytes(32).size(), 32u);
  EXPECT_NE(random_bytes(32), random_bytes(32));
}

}  // namespace
}  // namespace pp
