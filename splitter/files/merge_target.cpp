#include "splitter/files/merge_target.h"

#include <algorithm>
#include <string>
#include <system_error>

#include "loader/archive/zip_reader.h"
#include "loader/core/error.h"
#include "splitter/files/weights_file.h"

namespace pp {
namespace fs = std::filesystem;
namespace {

/// Whether a file is a saved program. Tensors that torch.save wrote are an
/// archive too, but have neither graph nor code.
bool is_model(const fs::path& path) {
  try {
    const ZipReader archive(path);
    return std::ranges::any_of(archive.records(), [](const ZipRecord& record) {
      return record.name.starts_with("models/") ||
             record.name.starts_with("code/");
    });
  } catch (const Error&) {
    return false;  // not an archive
  }
}

}  // namespace

void check_merge_target(
    const fs::path& target, ModelFormat format, bool force) {
  const std::string extension = target.extension().string();
  const bool is_for_weights = extension == kWeightsExtension;
  if (extension != extension_of(format) && !is_for_weights) {
    throw usage_error(
        "-o " + target.string() + ": the name must end in " +
        std::string(extension_of(format)) + ", because the stages are " +
        (format == ModelFormat::TorchScript ? "TorchScript"
                                            : "exported programs") +
        ", or in " + kWeightsExtension + " for the weights alone");
  }
  std::error_code error;
  if (!force && fs::exists(target, error) &&
      !(is_for_weights ? is_weights_file(target) : is_model(target))) {
    throw usage_error(
        "-o " + target.string() + " exists and " +
        (is_for_weights ? "was not written by pp merge" : "is not a model") +
        "; name another file, or overwrite it with --force");
  }
}

}  // namespace pp
