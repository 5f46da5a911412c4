#include "runtime/optim/describe.h"

#include "loader/core/text.h"
#include "loader/ir/types.h"

namespace pp {

std::string describe(const at::Tensor& tensor) {
  if (!tensor.defined()) {
    return "no tensor";
  }
  return describe(tensor.scalar_type(), tensor.sizes());
}

std::string describe(at::ScalarType type, at::IntArrayRef sizes) {
  return ir::name_of(static_cast<ir::ScalarType>(type)) + " " +
         shape_text(sizes);
}

}  // namespace pp
