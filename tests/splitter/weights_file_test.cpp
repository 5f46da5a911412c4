#include "splitter/files/weights_file.h"

#include <gtest/gtest.h>

#include "loader/core/error.h"

namespace pp {
namespace {

/// A vector of `size` floats, `stride` apart.
ir::TensorMeta vector_of(int64_t size, int64_t stride) {
  ir::TensorMeta meta;
  meta.dtype = ir::ScalarType::Float;
  meta.sizes = {{.value = size, .expr = {}}};
  meta.strides = {{.value = stride, .expr = {}}};
  return meta;
}

TEST(WeightsFile, RefusesATensorThatRepeatsASmallRecordTooOften) {
  const std::vector<std::byte> record(4);
  WeightsFile file;
  try {
    file.add("big", {}, vector_of(int64_t{1} << 40, 0), record);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Input);
    EXPECT_STREQ(
        error.what(),
        "'big' would take 4.0 TiB, but its record has 4 B; a tensor that "
        "repeats its elements may take up to 1024 times its record's bytes, or "
        "1.0 GiB");
  }
  EXPECT_THROW(
      file.add("overflow", {}, vector_of(int64_t{1} << 62, 0), record), Error);
  EXPECT_NO_THROW(file.add("mask", {}, vector_of(1 << 20, 0), record));
}

}  // namespace
}  // namespace pp
