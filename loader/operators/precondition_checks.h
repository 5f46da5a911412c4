#pragma once

#include <span>
#include <string>

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

// The checks of preconditions.h, each for the operators of one kind. Internal
// to loader/operators/.

namespace pp {

using SchemaRef = const c10::FunctionSchema&;
using ArgumentSpan = std::span<const c10::IValue>;

/// Batch norms read one weight and statistic per channel.
std::string batch_norm_fault(SchemaRef schema, ArgumentSpan values);
/// The fused kernel has one norm per slice of the first or last dimension.
std::string weight_norm_fault(SchemaRef schema, ArgumentSpan values);
/// oneDNN computes LSTMs, and relies on the sizes of weights and states.
std::string lstm_fault(SchemaRef schema, ArgumentSpan values);
/// The weights of a convolution have the kernel's sizes.
std::string kernel_fault(SchemaRef schema, ArgumentSpan values);
/// Output positions divided by the scale are positions in the input.
std::string upsampling_fault(SchemaRef schema, ArgumentSpan values);
/// The kernel reads keys and values by the sizes of the query.
std::string flash_attention_fault(SchemaRef schema, ArgumentSpan values);

/// Targets are classes.
std::string ctc_loss_fault(SchemaRef schema, ArgumentSpan values);
/// The processor traps on an integer quotient that doesn't fit its type.
std::string division_fault(SchemaRef schema, ArgumentSpan values);
/// As division_fault(), for the quotient that lcm computes.
std::string lcm_fault(SchemaRef schema, ArgumentSpan values);
/// As division_fault(), for the integers of a script. Zero traps, too.
std::string integer_fault(SchemaRef schema, ArgumentSpan values);
/// As integer_fault(), for math.gcd() of a script.
std::string integer_gcd_fault(SchemaRef schema, ArgumentSpan values);

}  // namespace pp
