#include "loader/model/weight_files.h"

#include <algorithm>
#include <system_error>

#include "loader/archive/folders.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/model/weight_folder.h"

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

/// The first part of a name with its dot: "transformer."; an empty string if
/// the name has one part.
std::string first_part(const std::string& name) {
  const size_t dot = name.find('.');
  return dot == std::string::npos ? "" : name.substr(0, dot + 1);
}

}  // namespace

WeightFiles::WeightFiles(const fs::path& path) : label_(path.string()) {
  std::error_code ignored;
  WeightFolder folder;
  if (fs::is_directory(path, ignored)) {
    folder = read_weight_folder(path);
  } else {
    folder.files = matching(path);
  }
  for (const fs::path& file : folder.files) {
    open(file);
  }
  if (files_.empty()) {
    throw input_error("weights: no file matches " + label_);
  }
  check_index(folder.index);
}

void WeightFiles::open(const fs::path& path) {
  files_.emplace_back(path);
  for (const auto& [name, tensor] : files_.back().tensors()) {
    const auto [found, is_new] =
        places_.emplace(name, Place{files_.size() - 1, name});
    if (!is_new) {
      throw input_error(
          "weights: '" + name + "' is in two files, " +
          files_[found->second.file].path().string() + " and " + path.string() +
          "; keep it in one of them");
    }
  }
}

void WeightFiles::check_index(
    const std::map<std::string, fs::path>& index) const {
  for (const auto& [name, path] : index) {
    const auto found = places_.find(name);
    if (found == places_.end() || files_[found->second.file].path() != path) {
      throw input_error(
          label_ + "/" + kWeightsIndex + ": '" + name + "' is not in " +
          path.filename().string() + ", where the index places it");
    }
  }
}

WeightFiles::Found WeightFiles::try_find(const std::string& name) const {
  const auto found = places_.find(name);
  if (found == places_.end()) {
    return {};
  }
  const SafetensorsReader& reader = files_[found->second.file];
  const TensorView& tensor = reader.tensors().at(found->second.name);
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
  for (const auto& [name, place] : places_) {
    out.push_back(name);
  }
  return out;
}

std::string WeightFiles::fit_prefix(const std::set<std::string>& wanted) {
  std::set<std::string> added;
  std::set<std::string> removed;
  for (const std::string& name : wanted) {
    const std::string prefix = first_part(name);
    const std::string rest = name.substr(prefix.size());
    if (!prefix.empty() && !places_.contains(name) && places_.contains(rest) &&
        !wanted.contains(rest)) {
      added.insert(prefix);
    }
  }
  for (const auto& [name, place] : places_) {
    const std::string prefix = first_part(name);
    const std::string rest = name.substr(prefix.size());
    if (!prefix.empty() && !wanted.contains(name) && wanted.contains(rest) &&
        !places_.contains(rest)) {
      removed.insert(prefix);
    }
  }
  if (added.size() + removed.size() != 1) {
    return {};
  }
  const bool adds = !added.empty();
  const std::string prefix = adds ? *added.begin() : *removed.begin();
  const auto has_prefix = [&](const std::string& name) {
    return name.starts_with(prefix);
  };
  const bool is_known = adds ? std::ranges::any_of(names(), has_prefix)
                             : std::ranges::any_of(wanted, has_prefix);
  if (is_known) {
    return {};
  }
  rename(wanted, adds ? prefix : "", adds ? "" : prefix);
  return label_ + ": names " + (adds ? "lack the model's" : "have the") +
         " prefix '" + prefix + "'; they are read " +
         (adds ? "with it" : "without it");
}

void WeightFiles::rename(
    const std::set<std::string>& wanted,
    const std::string& added,
    const std::string& removed) {
  std::map<std::string, Place> renamed;
  for (const auto& [name, place] : places_) {
    const size_t cut = name.starts_with(removed) ? removed.size() : 0;
    const std::string fitting = added + name.substr(cut);
    const bool is_better = !wanted.contains(name) && wanted.contains(fitting) &&
                           !places_.contains(fitting);
    renamed.emplace(is_better ? fitting : name, place);
  }
  places_ = std::move(renamed);
}

}  // namespace pp
