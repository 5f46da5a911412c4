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
/// weights themselves. Inlines no-grad and autocast regions: each of their
/// nodes records the region's setting in `grad_enabled` and `autocast`. Derives
/// the names of inputs and outputs from the tree specs.
/// throws  Error(Input) naming the record and the node
Model load_exported_program(std::shared_ptr<const ZipReader> archive);

/// Opens the inner archive with the tensors of the sample inputs; nullopt if
/// the file has none. The inner archive shares the outer file's mapping.
std::optional<ZipReader> sample_inputs_archive(const Model& model);

/// Reads the sample inputs: the (args, kwargs) with which the model was
/// exported; nullopt if the file has none. Their tensors are in records of
/// sample_inputs_archive().
/// throws  Error(Input): they contain more than tensors and plain values
std::optional<PickleValue> sample_inputs(const Model& model);

/// The structure of the result that a written program returns.
enum class OutputTree {
  Source,  ///< the source's structure; the graph must have the source's outputs
  Tuple,   ///< a flat tuple of the graph's outputs
};

/// Writes `graph` as a `.pt2` that torch.export.load opens. `graph` is a part
/// of `source` in which values and states keep their names. Positional inputs
/// become args, keyword inputs kwargs. Consecutive nodes with gradients off or
/// under autocast become regions. The kernel copies the weights from the
/// source's archive, so they never pass through this process's memory.
void write_exported_program(
    const std::filesystem::path& path,
    const ir::Graph& graph,
    const Model& source,
    OutputTree outputs,
    Sync sync = Sync::Now);

/// One of several programs that are joined into one, and the new names of its
/// states and symbols.
struct ProgramPart {
  const Model* program;
  std::string prefix;  ///< prefix of its FQNs, without the dot; empty: none
  /// The new names of symbols, by their names in the program's file.
  std::map<std::string, std::string> symbols;
};

/// Creates the details for a program that is a chain of several. It has the
/// arguments of the first program in the chain and the result of the last one.
///
/// guards  the guards of the whole chain, on inputs of the first program
std::shared_ptr<const FormatDetails> join_details(
    const std::vector<ProgramPart>& parts,
    const std::vector<std::string>& guards);

/// Lists the weights in the program's file that its graph does not read. In
/// each returned state, State::value is kNoValue.
std::vector<std::pair<ir::State, StateRecord>> unread_weights(
    const Model& program);

}  // namespace pp
