#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "runtime/options/loss.h"
#include "splitter/manifest/manifest.h"

// The first job of a model, which `pp init` writes.

namespace pp {

enum class FirstJobKind { Train, Finetune, Infer };

/// The facts about a model on which its first job depends.
struct FirstJobModel {
  std::string path;  ///< the model's path, as written in the job file
  bool is_stage_directory = false;
  std::vector<ModelInput> inputs;  ///< the inputs that are tensors
  std::vector<ModelOutput> outputs;
  std::map<std::string, ir::Range> ranges;  ///< see Graph::ranges
  std::vector<std::string> guards;          ///< see Graph::guards
  int num_stages = 1;
  /// The split points of the cuts. Empty if there are none, or if one of the
  /// cuts has no name.
  std::vector<std::string> cuts;
  bool has_modes = false;  ///< whether it has dropout or batch norm
  /// Outputs that are logarithms of probabilities.
  std::vector<std::string> log_probabilities;
  std::string first_module;  ///< FQN of a module that could be frozen
};

/// A file of data. One that doesn't exist yet has no type and no sizes.
struct FirstJobData {
  std::string path = {};  ///< the file's path, as written in the job file
  std::optional<ir::ScalarType> dtype = {};
  std::vector<int64_t> sizes = {};
  bool is_bin = false;  ///< a .bin, whose type the job file must state
};

/// The user's requests, and the known facts about the data files.
struct FirstJobRequest {
  FirstJobKind kind = FirstJobKind::Train;
  std::string command = {};  ///< "pp init cnn.pt2", for the file's first line
  std::string file = {};     ///< the job file's own name
  std::map<std::string, FirstJobData> inputs = {};  ///< one for each input
  FirstJobData target = {};
  std::string output_dir = {};
  std::string loss = {};              ///< a built-in loss; empty: it is guessed
  std::optional<int64_t> steps = {};  ///< nullopt: 100
};

/// How one input or the target is read.
struct FirstJobSource {
  std::string name = {};  ///< the input's name, or "target"
  FirstJobData data = {};
  std::string needs = {};              ///< type and sizes: "float32 [rows, 3]"
  std::optional<int64_t> window = {};  ///< row length, if cut from a sequence
  int64_t shift = 0;
  bool has_rows = true;
};

/// The decisions of a first job.
struct FirstJobPlan {
  int64_t rows = 1;  ///< rows of a microbatch
  int64_t microbatches = 1;
  bool is_fixed_batch = false;
  std::vector<FirstJobSource> inputs = {};
  std::optional<FirstJobSource> target = {};  ///< nullopt: the loss needs none
  std::string loss = {};         ///< empty: the model computes its own loss
  std::string loss_output = {};  ///< empty: there is only one candidate
  std::string loss_reason = {};

  int64_t batch_size() const { return rows * microbatches; }
};

/// Chooses the settings of the job file: which inputs have rows, how many rows
/// a step has, and which loss compares which output with what. Every choice
/// follows from names, types and shapes.
FirstJobPlan plan_first_job(
    const FirstJobModel& model, const FirstJobRequest& request);

/// Returns the text of the job file, with a comment for every key.
std::string first_job_text(
    const FirstJobModel& model,
    const FirstJobRequest& request,
    const FirstJobPlan& plan);

}  // namespace pp
