#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "loader/archive/safetensors.h"

namespace pp {

/// The tensors of several safetensors files, by name.
class WeightFiles {
 public:
  struct Found {
    const TensorView* tensor = nullptr;  ///< null if no file has the tensor
    std::shared_ptr<const MappedFile> file;
    /// The tensor's first byte, counted from the file's start.
    uint64_t offset = 0;
  };

  /// Opens all matching files.
  /// path    a path whose last component may contain `*` and `?`, or a folder
  ///         that `save_pretrained` of `transformers` wrote
  /// throws  Error(Input): no file matches; two files have the same tensor; a
  ///         folder has no weights, or its files differ from its index
  explicit WeightFiles(const std::filesystem::path& path);

  /// The path, which names the files in messages.
  const std::string& label() const { return label_; }
  Found try_find(const std::string& name) const;
  std::vector<std::string> names() const;
  /// The name that the tensor has in its file, which fit_prefix() doesn't
  /// change. The files must have the tensor.
  const std::string& name_in_file(const std::string& name) const {
    return places_.at(name).name;
  }

  /// Adds or removes the first part of names if that is how the files differ
  /// from a model. `transformers` saves a bare model ("h.0.w") without the name
  /// that it has in a model with a head ("transformer.h.0.w"), and reads either
  /// into either. Nothing changes if several prefixes are possible, or if the
  /// files have one of the names with and without the prefix.
  ///
  /// wanted   the names of the model's tensors
  /// returns  a note for the user; an empty string if nothing changed
  std::string fit_prefix(const std::set<std::string>& wanted);

 private:
  struct Place {
    size_t file = 0;   ///< index in files_
    std::string name;  ///< the tensor's name in the file
  };

  void open(const std::filesystem::path& path);
  void check_index(
      const std::map<std::string, std::filesystem::path>& index) const;
  void rename(
      const std::set<std::string>& wanted,
      const std::string& added,
      const std::string& removed);

  std::string label_;
  std::vector<SafetensorsReader> files_;
  std::map<std::string, Place> places_;
};

}  // namespace pp
