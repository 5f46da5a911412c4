#include "runtime/optim/describe.h"

#include "loader/core/text.h"
#include "loader/ir/types.h"

namespace pp {

std::string describe(const at::Tensor& tensor) {
  if (!tensor.defined()) {
    return "no tensor";
  }
  return ir::name_of(static_cast<ir::ScalarType>(tensor.scalar_type())) + " " +
         shape_text(tensor.sizes());
}

}  // namespace pp
