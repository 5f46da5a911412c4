#include "splitter/bound_model.h"

#include <system_error>

#include <unistd.h>

#include "loader/archive/leftovers.h"
#include "loader/core/error.h"
#include "loader/model_loader.h"
#include "loader/weights.h"
#include "splitter/artifact.h"

namespace pp {

namespace fs = std::filesystem;

namespace {

/// A hidden folder beside the stage directory to be; its name is one that
/// remove_leftovers() knows.
fs::path folder_beside(const fs::path& stage_directory) {
  const fs::path target = output_path(stage_directory);
  return target.parent_path() / ("." + target.filename().string() + ".pp-" +
                                 std::to_string(getpid()) + ".weights");
}

fs::path file_in(const fs::path& folder, ModelFormat format) {
  return folder /
         (format == ModelFormat::TorchScript ? "model.pt" : "model.pt2");
}

}  // namespace

BoundModel::BoundModel(
    Model model, const fs::path& weights, const fs::path& stage_directory)
    : folder_(folder_beside(stage_directory)), model_(std::move(model)) {
  notes_ = bind_weights({&model_, 1}, weights);
  remove_leftovers(stage_directory, LeftBy::DeadProcesses);
  try {
    fs::create_directories(folder_);
    const fs::path file = file_in(folder_, model_.format);
    write_model(file, model_);
    model_ = load_model(file);
  } catch (const fs::filesystem_error& error) {
    throw runtime_error(
        "can't write beside " + stage_directory.string() + ": " +
        error.code().message());
  } catch (const std::exception&) {
    remove_folder();
    throw;
  }
}

BoundModel::~BoundModel() {
  remove_folder();
}

void BoundModel::remove_folder() const noexcept {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

}  // namespace pp
