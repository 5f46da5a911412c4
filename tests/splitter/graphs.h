#pragma once

#include <string>
#include <vector>

#include "splitter/partition.h"

namespace pp::test {

/// Cuts a graph in text form at split points ("a", "b:end").
Partition split(
    const std::string& text,
    const std::vector<std::string>& at,
    const PartitionOptions& options = {});

/// The error that splitting gives; empty if none.
std::string split_error(
    const std::string& text, const std::vector<std::string>& at);

/// "x, size -> y" a stage: what it receives, and in brackets its user inputs.
std::string flow_of(const StageManifest& stage);

/// Names of a stage's nodes by their first result, or target.
std::vector<std::string> nodes_of(const ir::Graph& stage);

/// FQNs of a stage's states.
std::vector<std::string> states_of(const ir::Graph& stage);

/// Cuts at every combination of up to three legal positions, runs the stages
/// symbolically, and compares with the unsplit graph; also that a single cut
/// takes across what legal_cuts says. Returns the first fault, or nothing.
std::string try_all_cuts(
    const std::string& text, const PartitionOptions& options = {});

}  // namespace pp::test
