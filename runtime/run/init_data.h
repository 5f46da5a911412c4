#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "runtime/job/first_job.h"

namespace pp {

/// The files of a first job.
struct InitData {
  std::map<std::string, FirstJobData> inputs;  ///< by name, one for each input
  /// Has no path if the user named no target and there is no target.npy.
  FirstJobData target;
};

/// Finds the data of a model's inputs: what the user names, else NAME.npy in
/// the job file's folder, whether it exists or not.
///
/// folder  the job file's folder, from which relative paths start
/// given   files or NAME=FILE. A file without NAME belongs to the inputs that
///         have the names of its tensors, or else to the first input without a
///         file
/// target  a file, or empty
/// throws  Error(Usage): a name isn't an input, or there are more files than
///         inputs; Error(Input): a file can't be read
InitData find_init_data(
    const std::vector<ModelInput>& inputs,
    const std::filesystem::path& folder,
    const std::vector<std::string>& given,
    const std::string& target);

}  // namespace pp
