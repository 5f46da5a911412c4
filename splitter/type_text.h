#pragma once

#include <string>
#include <string_view>

#include "loader/ir/types.h"

namespace pp {

/// "float32[s0=2, 16]", "int", "list[tensor]": for people.
std::string describe_type(const ir::Type& type, const ir::TensorMeta& tensor);

/// "tensor", "list[int]", "tuple[tensor, int]": parses back.
std::string type_text(const ir::Type& type);
/// Nothing if the text is no type.
bool parse_type(std::string_view text, ir::Type& type);

/// The element type of that name ("float32"); false if there is none.
bool parse_dtype(std::string_view text, ir::ScalarType& dtype);

/// "strided", "sparse"
std::string_view layout_text(ir::Layout layout);
bool parse_layout(std::string_view text, ir::Layout& layout);

/// "cpu", "cuda:0"
std::string device_text(const ir::Device& device);
ir::Device parse_device(std::string_view text);

}  // namespace pp
