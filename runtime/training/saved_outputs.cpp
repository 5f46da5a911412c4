#include "runtime/training/saved_outputs.h"

#include "loader/archive/folders.h"

namespace pp {

void SavedOutputs::add(
    int microbatch,
    int64_t num_rows,
    const std::map<std::string, at::Tensor>& outputs) {
  MicrobatchOutputs& saved = step_[microbatch];
  saved.num_rows = num_rows;
  for (const std::string& name : names_) {
    saved.values.emplace(name, outputs.at(name).detach());
  }
}

void SavedOutputs::end_step() {
  make_output_folder(folder_);
  for (const auto& [microbatch, saved] : step_) {
    for (const auto& [name, value] : saved.values) {
      writer_.add(name, {.own = saved.num_rows}, value);
    }
  }
  step_.clear();
}

void SavedOutputs::finish() {
  writer_.finish();
}

}  // namespace pp
