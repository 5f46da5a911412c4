#pragma once

#include <cstdint>
#include <optional>

#include "loader/ir/types.h"

// Converts between enumerators and their numbers in the ExportedProgram schema.
namespace pp::ep {

// Each of these functions converts a number of the schema to an enumerator.
// They return nullopt for an unknown number.
std::optional<ir::ScalarType> scalar_type_of(int64_t number);
std::optional<ir::Layout> layout_of(int64_t number);
std::optional<ir::MemoryFormat> memory_format_of(int64_t number);

int64_t number_of(ir::ScalarType type);
int64_t number_of(ir::Layout layout);
int64_t number_of(ir::MemoryFormat format);

}  // namespace pp::ep
