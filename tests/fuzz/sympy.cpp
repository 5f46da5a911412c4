// A size or guard: from sympy's form to arithmetic, parsed and evaluated.
#include "loader/exported_program/sympy_text.h"
#include "loader/ir/expression.h"
#include "tests/fuzz/harness.h"

namespace pp::fuzz {

namespace {

void evaluate(std::string_view text) {
  const auto expression = ir::Expression::parse(text);
  expression.leaves();
  for (const int64_t symbol : {int64_t{0}, int64_t{7}, INT64_MIN, INT64_MAX}) {
    const auto lookup = [&](std::string_view leaf) {
      return leaf == "unknown" ? std::nullopt : std::optional(symbol);
    };
    accepts([&] { expression.value(lookup); });
    accepts([&] { expression.holds(lookup); });
  }
}

}  // namespace

}  // namespace pp::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp;
  const std::string_view text = fuzz::text_of(data, size);
  const std::string infix = ep::infix_of(text);
  fuzz::accepts([&] { fuzz::evaluate(infix); });
  if (infix != text) {
    fuzz::accepts([&] { fuzz::evaluate(text); });
  }
  return 0;
}
