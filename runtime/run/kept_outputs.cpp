#include "runtime/run/kept_outputs.h"

#include "runtime/run/output_folder.h"

namespace pp {

void KeptOutputs::take(
    int microbatch,
    int64_t num_rows,
    const std::map<std::string, at::Tensor>& outputs) {
  Kept& kept = step_[microbatch];
  kept.num_rows = num_rows;
  for (const std::string& name : names_) {
    kept.values.emplace(name, outputs.at(name).detach());
  }
}

void KeptOutputs::end_step() {
  make_output_folder(folder_);
  for (const auto& [microbatch, kept] : step_) {
    for (const auto& [name, value] : kept.values) {
      writer_.add(name, kept.num_rows, value);
    }
  }
  step_.clear();
}

void KeptOutputs::finish() {
  writer_.finish();
}

}  // namespace pp
