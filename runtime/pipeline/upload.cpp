#include "runtime/pipeline/upload.h"

#include <map>

#include <ATen/ops/empty_strided.h>
#include <c10/core/StreamGuard.h>

namespace pp {

std::vector<Microbatch> upload(
    const std::vector<Microbatch>& microbatches, RankDevice& device) {
  device.loans()->collect();
  const c10::StreamGuard on_upload(device.upload());
  std::map<const void*, at::Tensor> copied;
  const auto copy = [&](const at::Tensor& tensor) {
    if (!tensor.defined()) {
      return tensor;
    }
    at::Tensor& copy_of = copied[tensor.unsafeGetTensorImpl()];
    if (!copy_of.defined()) {
      const at::Tensor here = at::empty_strided(
          tensor.sizes(),
          tensor.strides(),
          tensor.options().device(device.device()));
      here.copy_(tensor.pin_memory(), /*non_blocking=*/true);
      copy_of = lend(here, device.loans(), device.compute());
    }
    return copy_of;
  };
  std::vector<Microbatch> out = microbatches;
  for (Microbatch& microbatch : out) {
    for (auto& [name, tensor] : microbatch.inputs) {
      tensor = copy(tensor);
    }
    microbatch.target = copy(microbatch.target);
  }
  wait_for(device.compute(), device.upload());
  return out;
}

}  // namespace pp
