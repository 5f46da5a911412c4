#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "loader/archive/zip_reader.h"
#include "loader/ir/graph.h"

namespace pp {

enum class ModelFormat { ExportedProgram, TorchScript };

/// Where a state's bytes are: a stored (uncompressed) record of an archive.
struct StateRecord {
  std::string record;      ///< full record name in the archive
  uint64_t offset = 0;     ///< of the first byte, from the file's start
  uint64_t num_bytes = 0;  ///< of the whole record (the storage)
  ir::TensorMeta tensor;   ///< sizes, strides, storage offset within it
  /// The file that the bytes lie in, if not the model's archive.
  std::shared_ptr<const MappedFile> file;

  /// False for what was exported on the meta device.
  bool has_values() const { return file || tensor.device.type != "meta"; }
};

/// Why such a state can't be used.
inline std::string no_values_text(const std::string& fqn) {
  return "'" + fqn +
         "' has no values: the model was exported on the meta device; name "
         "safetensors files that hold them ([model] weights, pp split "
         "--weights)";
}

/// What only the format's own writer needs; opaque to everyone else.
struct FormatDetails {
  virtual ~FormatDetails() = default;
  /// The record that holds the graph, for messages; may be empty.
  std::string graph_record;
};

/// A saved model: its graph, and where its tensors lie on disk. Nothing of the
/// tensors is read when it is loaded.
struct Model {
  std::string path;
  ModelFormat format = ModelFormat::ExportedProgram;
  ir::Graph graph;
  /// By State::fqn; every state of the graph has one.
  std::map<std::string, StateRecord> records;
  std::shared_ptr<const ZipReader> archive;
  std::shared_ptr<const FormatDetails> details;
  /// What a user should know, one line each ("exported in eval mode: ...").
  std::vector<std::string> notes;
};

}  // namespace pp
