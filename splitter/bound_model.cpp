#include "splitter/bound_model.h"

#include <system_error>

#include <unistd.h>

#include "loader/core/error.h"
#include "loader/model_loader.h"
#include "loader/weights.h"
#include "splitter/artifact.h"

namespace pp {

namespace fs = std::filesystem;

namespace {

/// A hidden name in the folder that the stage directory will lie in.
fs::path name_beside(const fs::path& stage_directory, ModelFormat format) {
  fs::path target = fs::absolute(stage_directory).lexically_normal();
  if (!target.has_filename()) {
    target = target.parent_path();
  }
  std::error_code ignored;
  fs::create_directories(target.parent_path(), ignored);
  return target.parent_path() /
         ("." + target.filename().string() + ".weights-" +
          std::to_string(getpid()) +
          (format == ModelFormat::TorchScript ? ".pt" : ".pt2"));
}

}  // namespace

BoundModel::BoundModel(
    Model model, const fs::path& weights, const fs::path& stage_directory)
    : path_(name_beside(stage_directory, model.format)),
      model_(std::move(model)) {
  notes_ = bind_weights({&model_, 1}, weights);
  write_model(path_, model_);
  try {
    model_ = load_model(path_);
  } catch (const std::exception&) {
    std::error_code ignored;
    fs::remove(path_, ignored);
    throw;
  }
}

BoundModel::~BoundModel() {
  std::error_code ignored;
  fs::remove(path_, ignored);
}

}  // namespace pp
