#include "loader/torchscript/lower/number_hints.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace pp::ts {
namespace {

struct NumberCase {
  const char* target;
  std::vector<c10::IValue> arguments;
  std::optional<c10::IValue> result;
};

constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();

TEST(NumberHints, AreWhatPythonComputes) {
  const std::vector<NumberCase> cases = {
      {"_operator.add", {3, 4}, 7},
      {"_operator.add", {3, 0.5}, 3.5},
      {"_operator.truediv", {7, 2}, 3.5},
      {"_operator.floordiv", {-7, 2}, -4},
      {"_operator.floordiv", {-7.0, 2}, -4.0},
      {"_operator.mod", {-7, 2}, 1},
      {"_operator.mod", {-7.5, 2}, 0.5},
      {"_operator.pow", {2, 10}, 1024},
      {"_operator.pow", {4, -1}, 0.25},
      {"_operator.pow", {4, -0.5}, 0.5},
      {"_operator.neg", {-3}, 3},
      {"_operator.neg", {0.5}, -0.5},
      {"_operator.lt", {2, 2.5}, true},
      {"_operator.eq", {3, 4}, false},
      {"_operator.and_", {true, false}, false},
      {"_operator.or_", {true, false}, true},
      {"_operator.xor", {true, true}, false},
      {"_operator.not_", {false}, true},
      {"torch.sym_max", {2, 2.5}, 2.5},
      {"torch.sym_max", {2, 5}, 5},
      {"torch.sym_min", {2, 5}, 2},
      {"torch.sym_float", {3}, 3.0},
      {"torch.sym_int", {-2.7}, -2},
      {"torch.sym_sqrt", {16}, 4.0},
      {"math.ceil", {2.1}, 3},
      {"math.floor", {-2.1}, -3},
      {"math.floor", {5}, 5},
      {"round", {2.5}, 2},
  };
  for (const NumberCase& each : cases) {
    SCOPED_TRACE(each.target);
    const auto number = try_number_hint(each.target, each.arguments);
    ASSERT_TRUE(number.has_value());
    EXPECT_EQ(number->tagKind(), each.result->tagKind());
    EXPECT_EQ(*number, *each.result) << *number << " is not " << *each.result;
  }
}

TEST(NumberHints, AreUnknownWherePythonFails) {
  const std::vector<NumberCase> cases = {
      {"_operator.truediv", {1, 0}, {}},
      {"_operator.mod", {1.0, 0.0}, {}},
      {"_operator.pow", {0, -1}, {}},
      {"_operator.mul", {kLargest, 2}, {}},
      {"_operator.pow", {2, 64}, {}},
      {"torch.sym_sqrt", {-1}, {}},
      {"math.ceil", {1e30}, {}},
      {"math.floor", {std::nan("")}, {}},
      {"my.function", {1, 2}, {}},
      {"_operator.add", {1, 2, 3}, {}},
      {"_operator.add", {true, 1}, {}},
  };
  for (const NumberCase& each : cases) {
    SCOPED_TRACE(each.target);
    EXPECT_FALSE(try_number_hint(each.target, each.arguments).has_value());
  }
}

}  // namespace
}  // namespace pp::ts
