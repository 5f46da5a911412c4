#include "runtime/pipeline/step_data.h"

#include <utility>

#include "runtime/pipeline/upload.h"

namespace pp {

StepData::StepData(std::vector<Microbatch> microbatches, RankDevice* device)
    : microbatches_(std::move(microbatches)) {
  if (device != nullptr) {
    on_device_ = upload(microbatches_, *device);
  }
}

int64_t StepData::num_rows() const {
  int64_t rows = 0;
  for (const Microbatch& microbatch : microbatches_) {
    rows += microbatch.num_rows;
  }
  return rows;
}

int64_t StepData::num_tokens() const {
  int64_t tokens = 0;
  for (const Microbatch& microbatch : microbatches_) {
    for (const auto& [name, tensor] : microbatch.inputs) {
      if (c10::isIntegralType(tensor.scalar_type(), false)) {
        tokens += tensor.numel();
        break;
      }
    }
  }
  return tokens;
}

std::function<const UserInputs&(int)> StepData::user_inputs() const {
  return [this](int microbatch) -> const UserInputs& {
    return (*this)[microbatch].inputs;
  };
}

}  // namespace pp
