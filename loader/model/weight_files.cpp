#include "loader/model/weight_files.h"

#include <algorithm>
#include <system_error>

#include "loader/archive/folders.h"
#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> matching(const fs::path& pattern) {
  const std::string name = pattern.filename().string();
  if (name.find_first_of("*?") == std::string::npos) {
    return {pattern};  // if it is missing, opening it says so
  }
  const fs::path folder =
      pattern.has_parent_path() ? pattern.parent_path() : fs::path(".");
  std::vector<fs::path> out;
  for (const fs::path& entry : entries_of(folder)) {
    if (matches_glob(entry.filename().string(), name)) {
      out.push_back(entry);
    }
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

WeightFiles::WeightFiles(const fs::path& pattern) : label_(pattern.string()) {
  for (const fs::path& path : matching(pattern)) {
    files_.emplace_back(path);
    for (const auto& [name, tensor] : files_.back().tensors()) {
      const auto [found, is_new] = file_of_.emplace(name, files_.size() - 1);
      if (!is_new) {
        throw input_error(
            "weights: '" + name + "' is in two files, " +
            files_[found->second].path().string() + " and " + path.string() +
            "; keep it in one of them");
      }
    }
  }
  if (files_.empty()) {
    throw input_error("weights: no file matches " + label_);
  }
}

WeightFiles::Found WeightFiles::try_find(const std::string& name) const {
  const auto found = file_of_.find(name);
  if (found == file_of_.end()) {
    return {};
  }
  const SafetensorsReader& reader = files_[found->second];
  const TensorView& tensor = reader.tensors().at(name);
  const auto* start = reader.file()->bytes().data();
  return {
      &tensor,
      reader.file(),
      tensor.bytes.empty()
          ? 0
          : static_cast<uint64_t>(tensor.bytes.data() - start)};
}

std::vector<std::string> WeightFiles::names() const {
  std::vector<std::string> out;
  for (const auto& [name, file] : file_of_) {
    out.push_back(name);
  }
  return out;
}

}  // namespace pp
