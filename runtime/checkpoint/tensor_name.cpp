#include "runtime/checkpoint/tensor_name.h"

#include <string_view>

namespace pp {

TensorName parse_tensor_name(const std::string& name) {
  constexpr std::string_view kPrefix = "optimizer.";
  const size_t dot = name.starts_with(kPrefix) ? name.find('.', kPrefix.size())
                                               : std::string::npos;
  if (dot == std::string::npos) {
    return {"", name};
  }
  return {
      name.substr(kPrefix.size(), dot - kPrefix.size()), name.substr(dot + 1)};
}

}  // namespace pp
