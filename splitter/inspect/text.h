#pragma once

#include <string>

#include "splitter/inspect/inspect.h"
#include "splitter/inspect/module_tree.h"
#include "splitter/inspect/table.h"

namespace pp {

/// Appends a module tree to `table`, one row per module. Module names are drawn
/// as branches of the tree.
/// depth  levels of the tree to add; nullopt: all
void add_tree(
    Table& table,
    const ModuleNode& root,
    const std::string& root_name,
    const std::optional<int>& depth);
/// Creates the table for add_tree(), with its heading.
Table tree_table();

std::string inspect_json(const Model& model, const InspectOptions& options);
std::string inspect_json(
    const StageDirectory& stages, const InspectOptions& options);
std::string inspect_dot(const Model& model, const InspectOptions& options);
std::string inspect_dot(
    const StageDirectory& stages, const InspectOptions& options);

/// The notes of all stages, one line each.
std::string notes_text(const Manifest& manifest);
/// The tied parameters and the stages that hold them, one line each.
std::string tied_text(const Manifest& manifest);

}  // namespace pp
