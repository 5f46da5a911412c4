#pragma once

#include <string>
#include <string_view>

#include "loader/ir/types.h"

namespace pp {

/// Formats a type for messages: "float32[s0=2, 16]", "int", "list[tensor]".
/// tensor  the metadata of a value of type tensor; ignored for other types
std::string describe_type(const ir::Type& type, const ir::TensorMeta& tensor);

/// Formats a type in the form that parse_type() reads: "tensor", "list[int]",
/// "tuple[tensor, int]".
std::string type_text(const ir::Type& type);
/// Parses the output of type_text() into `type`; returns false if `text` is not
/// a type.
bool parse_type(std::string_view text, ir::Type& type);

/// Parses the name of an element type, such as "float32", into `dtype`; returns
/// false if there is no such type.
bool parse_dtype(std::string_view text, ir::ScalarType& dtype);

/// Formats the name of a layout: "strided", "sparse".
std::string layout_text(ir::Layout layout);
bool parse_layout(std::string_view text, ir::Layout& layout);

/// Formats the name of a device: "cpu", "cuda:0".
std::string device_text(const ir::Device& device);
/// Parses a device such as "cpu" or "cuda:1" into `device`; returns false if
/// `text` is not a device.
bool parse_device(std::string_view text, ir::Device& device);

}  // namespace pp
