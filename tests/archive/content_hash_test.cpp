#include "loader/archive/content_hash.h"

#include <string_view>

#include <gtest/gtest.h>

namespace pp {
namespace {

std::string hash_of(std::string_view text) {
  return content_hash(std::as_bytes(std::span(text)));
}

// Published values of XXH64 with seed 0.
TEST(ContentHash, IsXxh64) {
  EXPECT_EQ(hash_of(""), "ef46db3751d8e999");
  EXPECT_EQ(hash_of("a"), "d24ec4f1a98c6e5b");
  EXPECT_EQ(hash_of("abc"), "44bc2cf5ad770999");
  EXPECT_EQ(
      hash_of("Nobody inspects the spammish repetition"), "fbcea83c8a378bf1");
}

}  // namespace
}  // namespace pp
