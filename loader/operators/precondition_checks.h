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
/// Checks a weight norm. Its fused kernel reads one norm per slice of the first
/// or last dimension, and assumes tensors without gaps or overlaps in memory.
std::string weight_norm_fault(SchemaRef schema, ArgumentSpan values);
/// Checks an LSTM, whose kernel (oneDNN's) relies on the sizes of the weights
/// and states. The kernel for packed sequences checks all but the number of
/// layers.
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
/// Checks a power of a matrix: the kernel negates a negative exponent.
std::string exponent_fault(SchemaRef schema, ArgumentSpan values);
/// Checks random integers: the kernel doesn't end if nothing is above the lower
/// bound.
std::string lower_bound_fault(SchemaRef schema, ArgumentSpan values);
/// Checks binomial numbers: the kernel doesn't end for a count that is NaN.
std::string binomial_fault(SchemaRef schema, ArgumentSpan values);
/// Checks math.gcd() of two integers of a script, like integer_fault().
std::string integer_gcd_fault(SchemaRef schema, ArgumentSpan values);

/// Checks an internal Fourier transform, whose kernel trusts its dimensions.
std::string fourier_fault(SchemaRef schema, ArgumentSpan values);
/// Checks the distances between pairs of rows, whose backward divides by the
/// number of pairs.
std::string pairs_fault(SchemaRef schema, ArgumentSpan values);
/// Checks a median along a dimension, whose kernel reads an expanded tensor as
/// if it were contiguous.
std::string median_fault(SchemaRef schema, ArgumentSpan values);
/// Checks a range: its length must fit in 64 bits, and the kernel divides by a
/// step that it has converted to the result's type.
std::string range_fault(SchemaRef schema, ArgumentSpan values);
/// Checks a split into a given number of sections, each of which takes memory
/// even if it is empty.
std::string sections_fault(SchemaRef schema, ArgumentSpan values);
/// Checks an adaptive pooling, whose kernel visits all positions of the output
/// even if one of the other sizes is 0.
std::string adaptive_pool_fault(SchemaRef schema, ArgumentSpan values);
/// Checks the padding of a kernel that computes sizes without looking for
/// overflows.
std::string padding_fault(SchemaRef schema, ArgumentSpan values);
/// Checks an internal masked index, whose kernel has room for one index per
/// dimension.
std::string masked_index_fault(SchemaRef schema, ArgumentSpan values);
/// Checks the output of triu and tril, whose kernel trusts its strides.
std::string triangle_fault(SchemaRef schema, ArgumentSpan values);

}  // namespace pp
