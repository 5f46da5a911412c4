#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "loader/allowed/trust.h"
#include "runtime/job/first_job.h"
#include "runtime/job/job.h"

namespace pp {

/// The options of `pp init`.
struct InitOptions {
  std::filesystem::path model = {};  ///< a saved model or a stage directory
  std::filesystem::path job = "job.toml";  ///< the file that will hold the job
  FirstJobKind kind = FirstJobKind::Train;
  int stages = 0;                      ///< 0: as many as the model has
  std::vector<std::string> data = {};  ///< files, or NAME=FILE for one input
  std::string target = {};             ///< empty: target.npy
  std::string loss = {};  ///< a built-in loss; empty: it is guessed
  std::optional<int64_t> steps = {};
  std::vector<std::string> inputs = {};  ///< shapes, see parse_input_hints()
  std::string command = {};              ///< the command that the user typed
  Trust trust = {};
};

struct InitResult {
  std::string text;     ///< the job file
  std::string summary;  ///< for the user: what the job does, and its files
};

/// Makes the first job of a model. If all its data exist, checks that a run
/// would accept them.
///
/// throws  Error(Usage): the model has too few legal cuts for the stages asked
///         for, a name in `data` isn't an input, or nothing reads the target;
///         Error(Input): the model or the data can't be used
InitResult init_job(const InitOptions& options);

/// Refuses to overwrite a job file.
/// throws  Error(Usage): the file exists
void check_no_job(const InitOptions& options);

/// Writes a first job to `options.job`.
/// throws  Error(Usage): the file exists
void write_first_job(const InitOptions& options, const InitResult& result);

/// Whether `pp run` can run `path` without a job file: it is a stage directory
/// or a saved model.
bool needs_no_job_file(const std::filesystem::path& path);

/// Returns the job of `pp run STAGES --data FILE`: the first job of the stages,
/// with the `--set` arguments.
Job job_without_file(
    const InitOptions& options, const std::vector<std::string>& overrides);

}  // namespace pp
