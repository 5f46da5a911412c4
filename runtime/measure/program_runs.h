#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "runtime/measure/sample_inputs.h"
#include "runtime/program/program.h"
#include "runtime/stage/map_states.h"

namespace pp {

/// A graph with its states, to run repeatedly. Copies the arguments that the
/// graph writes.
class ProgramRuns {
 public:
  ProgramRuns(
      const ir::Graph& graph,
      const std::map<std::string, StateRecord>& records,
      const ZipReader& archive,
      const std::string& where)
      : program_(graph, {.wanted_outputs = {}, .where = where}),
        states_(map_states(graph, records, archive, false)) {}

  std::vector<c10::IValue> run(std::vector<c10::IValue> arguments) const {
    copy_written(arguments);
    return program_.run(std::move(arguments), states_, {}).outputs;
  }
  void run_timed(
      std::vector<c10::IValue> arguments, std::span<uint64_t> node_ns) const {
    copy_written(arguments);
    program_.run_timed(std::move(arguments), states_, {}, node_ns);
  }

 private:
  /// Puts copies in place of the arguments that the graph writes.
  void copy_written(std::vector<c10::IValue>& arguments) const {
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (program_.written_inputs()[i] != 0 && arguments[i].isTensor()) {
        arguments[i] = arguments[i].toTensor().clone();
      }
    }
  }

  Program program_;
  std::vector<at::Tensor> states_;
};

}  // namespace pp
