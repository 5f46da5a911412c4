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
#include "loader/model/model.h"

namespace pp {

/// Whether torch.export.save (of any version) wrote the archive.
bool is_exported_program(const ZipReader& archive);

/// Reads the graph, its signature and the tables of weights, but not the
/// weights themselves. Inlines no-grad and autocast regions: their nodes have
/// grad_enabled and autocast set. Takes the names of inputs and outputs from
/// the tree specs.
/// throws Error(Input) that names record and node
Model load_exported_program(std::shared_ptr<const ZipReader> archive);

/// The inner archive with the tensors of the sample inputs, if the file has
/// one. It shares the outer file's mapping.
std::optional<ZipReader> sample_inputs_archive(const Model& model);

/// The (args, kwargs) with which the model was exported, if the file has them.
/// Their tensors lie in records of sample_inputs_archive().
/// throws Error(Input) if they hold more than tensors and plain values
std::optional<PickleValue> sample_inputs(const Model& model);

/// The structure of a written program's result.
enum class OutputTree {
  Source,  ///< as in the source; the graph must have the source's outputs
  Tuple,   ///< a flat tuple of the graph's outputs
};

/// Writes `graph`, a part of `source` whose values and states keep their names,
/// as a `.pt2` that torch.export.load opens. Positional inputs become args,
/// keyword inputs kwargs. Consecutive nodes with gradients off or under
/// autocast become regions again. The kernel copies weights from the source's
/// archive, so they never pass through memory.
void write_exported_program(
    const std::filesystem::path& path,
    const ir::Graph& graph,
    const Model& source,
    OutputTree outputs,
    Sync sync = Sync::Now);

/// A program that becomes part of a chain of programs, and the new names of its
/// states and symbols.
struct ProgramPart {
  const Model* program;
  std::string prefix;  ///< put before its FQNs with a dot; may be empty
  /// New names of symbols, by their names in the file.
  std::map<std::string, std::string> symbols;
};

/// Details for writing a chain of programs as one: it accepts the arguments of
/// the first and returns the result of the last.
///
/// guards  of the chain, on inputs of the first program
std::shared_ptr<const FormatDetails> join_details(
    const std::vector<ProgramPart>& parts,
    const std::vector<std::string>& guards);

/// Weights in the file that the graph does not read, as states without a value.
std::vector<std::pair<ir::State, StateRecord>> unread_weights(
    const Model& program);

}  // namespace pp
