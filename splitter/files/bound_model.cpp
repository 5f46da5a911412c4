#include "splitter/files/bound_model.h"

#include <system_error>

#include <unistd.h>

#include "loader/archive/leftovers.h"
#include "loader/core/error.h"
#include "loader/model/weights.h"

namespace pp {

namespace fs = std::filesystem;

namespace {

/// A hidden folder beside the future stage directory. remove_leftovers() knows
/// names of this form.
fs::path folder_beside(const fs::path& stage_directory) {
  const fs::path target = output_path(stage_directory);
  return target.parent_path() / ("." + target.filename().string() + ".pp-" +
                                 std::to_string(getpid()) + ".weights");
}

}  // namespace

BoundModel::BoundModel(
    Model model,
    const fs::path& weights,
    const fs::path& stage_directory,
    const ModelFormats& formats)
    : folder_(folder_beside(stage_directory)), model_(std::move(model)) {
  notes_ = bind_weights({&model_, 1}, weights);
  remove_leftovers(stage_directory, LeftBy::DeadProcesses);
  try {
    fs::create_directories(folder_);
    const fs::path file =
        folder_ / ("model" + std::string(extension_of(model_.format)));
    write_model(file, model_, formats);
    model_ = load_model(file, formats);
  } catch (const fs::filesystem_error& error) {
    throw runtime_error(
        "can't write next to " + stage_directory.string() + ": " +
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
