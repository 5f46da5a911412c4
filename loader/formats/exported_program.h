#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loader/archive/pickle_tensors.h"
#include "loader/archive/sync.h"
#include "loader/model.h"

namespace pp {

/// Whether the archive is a `torch.export.save` file (of any version).
bool is_exported_program(const ZipReader& archive);

/// Reads graph, signature and weight tables; no weight is touched. No-grad and
/// autocast regions are inlined: their nodes carry grad_enabled / autocast.
/// Inputs and outputs are named from the tree specs.
/// throws Error(Input), naming node and record
Model load_exported_program(std::shared_ptr<const ZipReader> archive);

/// The archive inside the file that holds the sample inputs' tensors, where
/// there is one. It shares the outer file's mapping.
std::optional<ZipReader> sample_inputs_archive(const Model& model);

/// The (args, kwargs) that the model was exported with, where the file has
/// them; the records of their tensors are sample_inputs_archive()'s.
/// throws Error(Input): they hold more than tensors and plain values
std::optional<PickleValue> sample_inputs(const Model& model);

/// What the caller of a written program gets back.
enum class OutputTree {
  Source,  ///< the source's own structure; the graph has its outputs, in order
  Tuple,   ///< a flat tuple of the graph's outputs
};

/// Writes `graph`, a part of `source` (its values and states keep their names),
/// as a `.pt2` that torch.export.load opens. Positional inputs become args,
/// keyword inputs kwargs. Runs of nodes with gradients off or under autocast
/// are wrapped in regions again. Weight records are copied from the source's
/// archive without passing through memory.
void write_exported_program(
    const std::filesystem::path& path,
    const ir::Graph& graph,
    const Model& source,
    OutputTree outputs,
    Sync sync = Sync::Now);

/// A program that is to be part of a chain of programs, and what becomes of its
/// names there.
struct ProgramPart {
  const Model* program;
  std::string prefix;  ///< goes before its FQNs, with a dot; empty: none
  /// New names of symbols, by those in the file.
  std::map<std::string, std::string> symbols;
};

/// What the writer needs of a chain of programs: arguments as the first takes
/// them, the result as the last returns it.
std::shared_ptr<const FormatDetails> join_details(
    const std::vector<ProgramPart>& parts);

/// Weights that the file holds and the graph does not read, as states without
/// a value.
std::vector<std::pair<ir::State, StateRecord>> unread_weights(
    const Model& program);

}  // namespace pp
