#include "loader/model/weight_folder.h"

#include <algorithm>
#include <set>
#include <system_error>

#include "loader/archive/atomic_file.h"
#include "loader/archive/folders.h"
#include "loader/core/error.h"
#include "loader/core/json_fields.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

[[noreturn]] void refuse_without_weights(const fs::path& folder) {
  std::string hint;
  for (const fs::path& entry : entries_of(folder)) {
    const std::string name = entry.filename().string();
    if (name.starts_with("pytorch_model") && name.ends_with(".bin")) {
      hint = "; " + name +
             " is a pickle, which pp doesn't execute: save the model again "
             "with save_pretrained";
    }
  }
  throw input_error(
      folder.string() + ": the folder holds no weights; expected " +
      kSingleWeights + " or " + kWeightsIndex + hint);
}

WeightFolder read_index(const fs::path& folder) {
  const fs::path path = folder / kWeightsIndex;
  const JsonFields json(read_file(path), path.string());
  WeightFolder out;
  std::set<fs::path> files;
  for (const auto& [name, value] :
       json.object_at(json.root(), "weight_map").items()) {
    const fs::path file = json.text(value);
    if (file.empty() || file.filename() != file || file == "." ||
        file == "..") {
      json.fail_at(value, "must be the name of a file in the same folder");
    }
    files.insert(folder / file);
    out.index.emplace(name, folder / file);
  }
  out.files.assign(files.begin(), files.end());
  return out;
}

}  // namespace

bool has_weights(const fs::path& folder) {
  return is_there(folder / kSingleWeights) || is_there(folder / kWeightsIndex);
}

WeightFolder read_weight_folder(const fs::path& folder) {
  if (is_there(folder / kSingleWeights)) {
    return {{folder / kSingleWeights}, {}};
  }
  if (!is_there(folder / kWeightsIndex)) {
    refuse_without_weights(folder);
  }
  return read_index(folder);
}

}  // namespace pp
