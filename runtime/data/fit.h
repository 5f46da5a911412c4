#pragma once

#include <span>
#include <vector>

#include "runtime/data/batch.h"
#include "runtime/data/source.h"

namespace pp {

enum class NumberKind { Integer, Floating, Complex };

/// Returns the kind of a type's numbers. Bools count as integers.
NumberKind number_kind(ir::ScalarType type);

/// Checks that a source has what a model's input needs: the same kind of
/// number, and every size that the export fixed, except the number of samples.
///
/// throws  Error(Input) naming the input, the file, what the file has and what
///         the input needs
void check_fits(const Source& source, const InputSpec& input);

/// Checks that inputs that share a symbolic size have the same size.
///
/// sources  one source per input, in the order of `inputs`
/// throws   Error(Input) naming the two inputs that differ
void check_symbols(
    std::span<const Source* const> sources, std::span<const InputSpec> inputs);

/// Checks that all sources have the same number of rows, and returns that
/// number.
///
/// throws  Error(Input) naming two sources that differ; Error(Usage): no source
///         has rows
int64_t common_rows(std::span<const Source* const> sources);

/// Checks that every input of the model has a source, and that every source has
/// an input.
///
/// table   the job file's table, for messages: "data" or "eval.data"
/// throws  Error(Usage) naming the input or the source
void check_input_names(
    const std::string& table,
    const DataConfig& config,
    std::span<const InputSpec> inputs);

}  // namespace pp
