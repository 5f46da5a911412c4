#pragma once

#include <string>
#include <vector>

#include "splitter/cut/partition.h"

namespace pp::test {

/// Cuts a graph in text form at split points ("a", "b:end"). The spec says how
/// stages are built.
Partition split(
    const std::string& text,
    const std::vector<std::string>& at,
    const SplitSpec& spec = {});

/// The message of the error that splitting throws; empty if there is none.
std::string split_error(
    const std::string& text, const std::vector<std::string>& at);

/// Describes a stage as "x size [mask] -> y": received values, user inputs in
/// brackets, outputs.
std::string flow_of(const StageManifest& stage);

/// Names of the first result of each node of a stage, or the node's target if
/// it has none.
std::vector<std::string> nodes_of(const ir::Graph& stage);

/// FQNs of a stage's states.
std::vector<std::string> states_of(const ir::Graph& stage);

/// Cuts at every combination of up to three legal positions, runs the stages
/// symbolically, and compares the results with the unsplit graph's. Also checks
/// that the values which cross a single cut are those that legal_cuts() names.
/// Returns the first fault, or an empty text.
/// spec  says how stages are built
std::string try_all_cuts(const std::string& text, const SplitSpec& spec = {});

}  // namespace pp::test
