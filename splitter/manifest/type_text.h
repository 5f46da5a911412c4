#pragma once

#include <string>
#include <string_view>

#include "loader/ir/types.h"

namespace pp {

/// A type for messages: "float32[s0=2, 16]", "int", "list[tensor]".
std::string describe_type(const ir::Type& type, const ir::TensorMeta& tensor);

/// A type in the form that parse_type() reads: "tensor", "list[int]",
/// "tuple[tensor, int]".
std::string type_text(const ir::Type& type);
/// Parses such a text into `type`; returns false if it is not a type.
bool parse_type(std::string_view text, ir::Type& type);

/// Finds the element type with this name ("float32"); returns false if there is
/// none.
bool parse_dtype(std::string_view text, ir::ScalarType& dtype);

/// The name of a layout: "strided", "sparse".
std::string layout_text(ir::Layout layout);
bool parse_layout(std::string_view text, ir::Layout& layout);

/// The name of a device: "cpu", "cuda:0".
std::string device_text(const ir::Device& device);
/// Parses "cpu" or "cuda:1" into `device`; returns false if the text is not a
/// device.
bool parse_device(std::string_view text, ir::Device& device);

}  // namespace pp
