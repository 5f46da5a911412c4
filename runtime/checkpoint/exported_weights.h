#pragma once

#include <cstdint>
#include <filesystem>
#include <set>

#include <ATen/core/Tensor.h>

#include "runtime/job/job.h"

// The folder of the weights that a training writes at its end, if the job sets
// output.export_dtype: `part_K.safetensors` for stage K.

namespace pp {

/// Returns the folder, `<output.dir>/weights`.
std::filesystem::path exported_weights_folder(const OutputConfig& output);

/// Checks, before anything runs, that the job doesn't replace the weights that
/// it reads.
/// throws  Error(Usage): model.weights lies in the folder
void check_exported_weights(const Job& job);

/// Returns a tensor in the type of the export; an integer tensor unchanged.
at::Tensor to_export_type(const at::Tensor& tensor, ExportDtype dtype);
/// Returns the number of finite entries that to_export_type() made infinite.
int64_t num_overflows(const at::Tensor& tensor, const at::Tensor& exported);

/// Removes the parts of an earlier export, `part_K.safetensors` with K not in
/// `parts`. Other files are the user's, and remain.
/// throws  Error(Runtime) naming the path and the system's reason
void remove_other_parts(
    const std::filesystem::path& folder, const std::set<int>& parts);

}  // namespace pp
