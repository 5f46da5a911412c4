#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "loader/archive/zip_reader.h"
#include "loader/ir/graph.h"

namespace pp {

enum class ModelFormat { ExportedProgram, TorchScript };

struct ModelFormatName {
  ModelFormat format;
  std::string_view name;       ///< its name in manifests: "torchscript"
  std::string_view extension;  ///< the extension of its files: ".pt"
};

inline constexpr std::array kModelFormats{
    ModelFormatName{ModelFormat::ExportedProgram, "exported_program", ".pt2"},
    ModelFormatName{ModelFormat::TorchScript, "torchscript", ".pt"},
};

inline std::string_view extension_of(ModelFormat format) {
  return std::ranges::find(kModelFormats, format, &ModelFormatName::format)
      ->extension;
}
inline std::string_view name_of(ModelFormat format) {
  return std::ranges::find(kModelFormats, format, &ModelFormatName::format)
      ->name;
}

/// The location of a state's bytes: a stored (uncompressed) record of an
/// archive.
struct StateRecord {
  std::string record;  ///< full record name in the archive
  /// First byte of the record, counted from the file's start.
  uint64_t offset = 0;
  /// Size of the whole record, which is the tensor's storage.
  uint64_t num_bytes = 0;
  /// Sizes, strides, and storage offset within the record.
  ir::TensorMeta tensor;
  /// The file that holds the bytes; null: the model's own archive holds them.
  std::shared_ptr<const MappedFile> file;

  /// False for a state that was exported on the meta device.
  bool has_values() const { return file || tensor.device.type != "meta"; }
};

/// Explains why a state without values can't be used.
inline std::string no_values_text(const std::string& fqn) {
  return "'" + fqn +
         "' has no values: the model was exported on the meta device; name "
         "safetensors files that hold them ([model] weights, pp split "
         "--weights)";
}

/// Data that only the format's own writer needs, opaque to all other code.
struct FormatDetails {
  virtual ~FormatDetails() = default;
  /// Name of the record that holds the graph, for messages; empty if there is
  /// none.
  std::string graph_record;
};

/// A saved model: its graph, and the location of its tensors on disk. Loading a
/// model doesn't read its tensors.
struct Model {
  std::string path;
  ModelFormat format = ModelFormat::ExportedProgram;
  ir::Graph graph;
  /// The record of each state of the graph, by State::fqn.
  std::map<std::string, StateRecord> records;
  std::shared_ptr<const ZipReader> archive;
  std::shared_ptr<const FormatDetails> details;
  /// Notes for the user, one line each ("exported in eval mode: ...").
  std::vector<std::string> notes;
};

}  // namespace pp
