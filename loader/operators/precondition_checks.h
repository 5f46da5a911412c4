#pragma once

#include <span>
#include <string>

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

// The checks that find_precondition() chooses from, one per group of operators.
// Internal to loader/operators/. Each function is a Precondition: it returns
// what is wrong with the arguments, or an empty string if nothing is.

namespace pp {

using SchemaRef = const c10::FunctionSchema&;
using ArgumentSpan = std::span<const c10::IValue>;

/// Checks a batch norm, whose kernel reads one weight, bias, mean and variance
/// per channel.
std::string batch_norm_fault(SchemaRef schema, ArgumentSpan values);
/// Checks a weight norm, whose fused kernel reads one norm per slice of the
/// first or last dimension.
std::string weight_norm_fault(SchemaRef schema, ArgumentSpan values);
/// Checks an LSTM, whose kernel (oneDNN's) relies on the sizes of the weights
/// and states.
std::string lstm_fault(SchemaRef schema, ArgumentSpan values);
/// Checks a convolution: `kernel_size` must equal the sizes of the weight.
std::string kernel_fault(SchemaRef schema, ArgumentSpan values);
/// Checks an upsampling: each output position divided by the scale must be a
/// position in the input.
std::string upsampling_fault(SchemaRef schema, ArgumentSpan values);
/// Checks flash attention, whose kernel assumes that the sizes of keys and
/// values fit those of the query.
std::string flash_attention_fault(SchemaRef schema, ArgumentSpan values);

/// Checks a CTC loss: each target must be the index of a class.
std::string ctc_loss_fault(SchemaRef schema, ArgumentSpan values);
/// Checks an integer division of tensors: the processor traps on a quotient
/// that doesn't fit its type.
std::string division_fault(SchemaRef schema, ArgumentSpan values);
/// Checks lcm, like division_fault(), because lcm divides too.
std::string lcm_fault(SchemaRef schema, ArgumentSpan values);
/// Checks a division of two integers of a script: the processor traps on a
/// divisor of zero and on a quotient that doesn't fit in 64 bits.
std::string integer_fault(SchemaRef schema, ArgumentSpan values);
/// Checks math.gcd() of two integers of a script, like integer_fault().
std::string integer_gcd_fault(SchemaRef schema, ArgumentSpan values);

}  // namespace pp
