#pragma once

#include <string>

#include "splitter/inspect.h"
#include "splitter/module_tree.h"
#include "splitter/table.h"

namespace pp {

/// Appends a module tree: a row a module, its name behind branches.
void add_tree(
    Table& table,
    const ModuleNode& root,
    const std::string& root_name,
    const std::optional<int>& depth);
/// The table and heading for add_tree.
Table tree_table();

std::string inspect_json(const Model& model, const InspectOptions& options);
std::string inspect_json(
    const StageDirectory& stages, const InspectOptions& options);
std::string inspect_dot(const Model& model, const InspectOptions& options);
std::string inspect_dot(
    const StageDirectory& stages, const InspectOptions& options);

/// How many parts an FQN has; of a split point, without its side.
int depth_of(const std::string& name);

}  // namespace pp
