#include "runtime/program/index_fault.h"

#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "tests/program/graphs.h"

namespace pp {
namespace {

struct Row {
  const char* name;
  const char* node;
  std::vector<int64_t> sizes;  ///< of the indices
  std::vector<int64_t> indices;
  const char* message;  ///< empty: nothing is wrong
};

std::string message_of(const Row& row) {
  const at::Tensor index =
      at::tensor(row.indices, at::kLong).reshape(row.sizes);
  std::string sizes;
  for (const int64_t size : row.sizes) {
    sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
  }
  try {
    testing::run_text(
        "input %x: float32[4, 3]\ninput %ids: int64[" + sizes + "]\n" +
            row.node + "\noutput y = %y\n",
        {at::rand({4, 3}), index});
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Runtime);
    const std::string text = error.what();
    const size_t failed = text.find(") failed: ");
    return failed == std::string::npos
               ? text
               : text.substr(failed + std::string_view(") failed: ").size());
  }
  return "";
}

const Row kRows[] = {
    {"Embedding",
     "%y: float32[2, 2, 3] = aten.embedding.default(weight=%x, indices=%ids)",
     {2, 2},
     {0, 3, 4, 1},
     "index out of range: 'ids' holds 4 at [1, 0], but only 0 to 3 are valid"},
    {"Gather",
     "%y: float32[1, 2] = aten.gather.default(self=%x, dim=-1, index=%ids)",
     {1, 2},
     {2, 3},
     "index out of range: 'ids' holds 3 at [0, 1], but only 0 to 2 are valid"},
    {"IndexSelect",
     "%y: float32[2, 3] = aten.index_select.default(self=%x, dim=0, "
     "index=%ids)",
     {2},
     {1, -1},
     "index out of range: 'ids' holds -1 at [1], but only 0 to 3 are valid"},
    {"Scatter",
     "%y: float32[4, 3] = aten.scatter.value(self=%x, dim=1, index=%ids, "
     "value=1.0)",
     {1, 1},
     {3},
     "index out of range: 'ids' holds 3 at [0, 0], but only 0 to 2 are valid"},
    {"CrossEntropy",
     "%y: float32[] = aten.cross_entropy_loss.default(self=%x, target=%ids)",
     {4},
     {0, -100, 2, 3},
     "index out of range: 'ids' holds 3 at [3], but only 0 to 2 are valid, and "
     "-100, which is ignored"},
    {"Nothing",
     "%y: float32[] = aten.cross_entropy_loss.default(self=%x, target=%ids)",
     {4},
     {0, -100, 2, 1},
     ""},
};

class IndexFault : public ::testing::TestWithParam<Row> {};

TEST_P(IndexFault, SaysWhichIndexAndWhatIsValid) {
  EXPECT_EQ(message_of(GetParam()), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Program,
    IndexFault,
    ::testing::ValuesIn(kRows),
    [](const ::testing::TestParamInfo<Row>& row) {
      return std::string(row.param.name);
    });

}  // namespace
}  // namespace pp
