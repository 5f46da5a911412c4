#pragma once

#include <span>
#include <vector>

#include "runtime/data/batch.h"
#include "runtime/data/source.h"

namespace pp {

/// Checks that a source gives what the model's input takes: kind of number,
/// and every dimension that the export fixed but the one that counts samples.
/// throws  Error(Input) naming input, file, what is there and what is taken
void check_fits(const Source& source, const InputSpec& input);

/// Checks that inputs that share a symbolic size get the same one.
/// sources  in the order of `inputs`
/// throws   Error(Input) naming both
void check_symbols(
    std::span<const Source* const> sources, std::span<const InputSpec> inputs);

/// Checks that all sources have the same number of rows, and gives it.
/// throws  Error(Input) naming two that differ; Error(Usage): none has rows
int64_t common_rows(std::span<const Source* const> sources);

}  // namespace pp
