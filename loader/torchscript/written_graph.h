#pragma once

#include "loader/model/model.h"

// The graph in text form that pp's writer stores next to the code. It has
// names, sizes and modules that the code lacks; files of other programs have no
// such record.
namespace pp::ts {

/// Name of that text among LibTorch's extra files, and of its record.
inline constexpr const char* kGraphFile = "pp_graph.txt";
inline constexpr const char* kGraphRecord = "extra/pp_graph.txt";

/// Replaces the model's graph, which was read from the code, with the written
/// one.
/// throws Error(Input): it can't be parsed, or is not the graph of the code
void use_written_graph(const ZipReader& archive, Model& model);

}  // namespace pp::ts
