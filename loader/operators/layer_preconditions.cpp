#include <array>
#include <vector>

#include "loader/core/checked_math.h"
#include "loader/core/count_text.h"
#include "loader/core/text.h"
#include "loader/operators/named_arguments.h"
#include "loader/operators/precondition_checks.h"

namespace pp {

namespace {

using c10::IValue;

std::string sizes_text(at::IntArrayRef sizes) {
  return shape_text({sizes.begin(), sizes.end()});
}

/// The sizes that the weights of an LSTM must have.
struct LstmSizes {
  int64_t num_layers = 0;
  int64_t num_directions = 0;
  int64_t features = 0;   ///< size of the input
  int64_t hidden = 0;     ///< size of the cell's state
  int64_t passed_on = 0;  ///< size of the output; below `hidden` if projected
  bool has_biases = false;

  size_t weights_per_layer() const {
    return 2 + (has_biases ? 2 : 0) + (passed_on == hidden ? 0 : 1);
  }
  /// The weights' sizes for one direction of one layer, in the operator's
  /// order.
  std::vector<std::vector<int64_t>> of_layer(bool is_first) const {
    // -1 (the product overflows) matches no tensor's size.
    const int64_t gates = try_multiply(4, hidden).value_or(-1);
    const int64_t joined = try_multiply(num_directions, passed_on).value_or(-1);
    std::vector<std::vector<int64_t>> out = {
        {gates, is_first ? features : joined}, {gates, passed_on}};
    if (has_biases) {
      out.insert(out.end(), 2, {gates});
    }
    if (passed_on != hidden) {
      out.push_back({passed_on, hidden});
    }
    return out;
  }
};

std::string lstm_weights_fault(
    const LstmSizes& sizes, const std::vector<at::Tensor>& weights) {
  const size_t per_layer = sizes.weights_per_layer();
  const auto num_layers = static_cast<size_t>(sizes.num_layers);
  const auto num_directions = static_cast<size_t>(sizes.num_directions);
  // The first comparison keeps the product from overflowing.
  if (sizes.num_layers < 1 || num_layers > weights.size() ||
      num_layers * num_directions * per_layer != weights.size()) {
    return "'params' has " + count_text(weights.size(), "tensor", "tensors") +
           ", not " + std::to_string(num_directions * per_layer) +
           " for each of " + count_text(sizes.num_layers, "layer", "layers");
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    const auto wanted =
        sizes.of_layer(i < num_directions * per_layer)[i % per_layer];
    if (weights[i].sizes() != at::IntArrayRef(wanted)) {
      return "'params'[" + std::to_string(i) + "] has sizes " +
             sizes_text(weights[i].sizes()) + ", not " + sizes_text(wanted);
    }
  }
  return "";
}

}  // namespace

std::string batch_norm_fault(SchemaRef schema, ArgumentSpan values) {
  const NamedArguments arguments(schema, values);
  const int64_t channels = arguments.tensor("input").size(1);
  for (const char* name : {"weight", "bias", "running_mean", "running_var"}) {
    const at::Tensor tensor = arguments.tensor(name);
    if (tensor.defined() && tensor.numel() != channels) {
      return std::string("'") + name + "' has " +
             count_text(tensor.numel(), "element", "elements") +
             ", but 'input' has " + count_text(channels, "channel", "channels");
    }
  }
  return "";
}

std::string weight_norm_fault(SchemaRef schema, ArgumentSpan values) {
  const NamedArguments arguments(schema, values);
  const at::Tensor v = arguments.tensor("v");
  const at::Tensor g = arguments.tensor("g");
  const int64_t dim = arguments.find("dim").toInt();
  if (schema.name() == "aten::_weight_norm_interface" &&
      !(v.is_non_overlapping_and_dense() && g.is_non_overlapping_and_dense())) {
    return "'v' and 'g' must have memory of their own for each element";
  }
  // For other dimensions, plain operators compute the result.
  if ((dim != 0 && dim != v.dim() - 1) || g.numel() == v.size(dim)) {
    return "";
  }
  return "'g' has " + count_text(g.numel(), "element", "elements") +
         ", but 'v' has size " + std::to_string(v.size(dim)) +
         " in dimension " + std::to_string(dim);
}

std::string lstm_fault(SchemaRef schema, ArgumentSpan values) {
  const NamedArguments arguments(schema, values);
  const at::Tensor input = arguments.tensor("input");
  if (!input.defined()) {  // a packed sequence
    const int64_t num_layers = arguments.find("num_layers").toInt();
    return num_layers > 0 ? "" : "'num_layers' must be at least 1";
  }
  const std::vector<at::Tensor> states = arguments.find("hx").toTensorVector();
  if (input.dim() != 3 || states.size() != 2 || states[0].dim() != 3 ||
      states[1].dim() != 3) {
    return "it needs an input and two states of 3 dimensions each";
  }
  const LstmSizes sizes{
      .num_layers = arguments.find("num_layers").toInt(),
      .num_directions = arguments.find("bidirectional").toBool() ? 2 : 1,
      .features = input.size(2),
      .hidden = states[1].size(2),
      .passed_on = states[0].size(2),
      .has_biases = arguments.find("has_biases").toBool(),
  };
  std::string fault =
      lstm_weights_fault(sizes, arguments.find("params").toTensorVector());
  const bool batch_first = arguments.find("batch_first").toBool();
  const int64_t rows = input.size(batch_first ? 0 : 1);
  for (size_t i = 0; fault.empty() && i < states.size(); ++i) {
    const std::vector<int64_t> wanted = {
        sizes.num_layers * sizes.num_directions, rows, states[i].size(2)};
    if (states[i].sizes() != at::IntArrayRef(wanted)) {
      fault = "'hx'[" + std::to_string(i) + "] has sizes " +
              sizes_text(states[i].sizes()) + ", not " + sizes_text(wanted);
    }
  }
  return fault;
}

std::string kernel_fault(SchemaRef schema, ArgumentSpan values) {
  const NamedArguments arguments(schema, values);
  const at::Tensor weight = arguments.tensor("weight");
  const std::vector<int64_t> kernel = arguments.integers("kernel_size");
  const at::IntArrayRef sizes = weight.sizes();
  if (sizes.size() == kernel.size() + 2 &&
      sizes.slice(2) == at::IntArrayRef(kernel)) {
    return "";
  }
  return "'kernel_size' is " + sizes_text(kernel) +
         ", but 'weight' has sizes " + sizes_text(sizes);
}

std::string upsampling_fault(SchemaRef schema, ArgumentSpan values) {
  constexpr std::array<const char*, 3> kScales{
      "scales_d", "scales_h", "scales_w"};
  const NamedArguments arguments(schema, values);
  const at::Tensor input = arguments.at(0).toTensor();
  const std::vector<int64_t> output = arguments.integers("output_size");
  const auto num_dims = static_cast<int64_t>(output.size());
  if (output.size() > kScales.size() || input.dim() < num_dims) {
    return "";  // LibTorch refuses such a call.
  }
  for (int64_t i = 0; i < num_dims; ++i) {
    const std::string name =
        num_dims == 1 ? "scales"
                      : kScales[static_cast<size_t>(3 - num_dims + i)];
    const IValue scale = arguments.find(name);
    if (scale.isNone() || !(scale.toDouble() > 0)) {
      continue;  // The kernel computes the scale.
    }
    const int64_t size = input.size(input.dim() - num_dims + i);
    const int64_t wanted = output[static_cast<size_t>(i)];
    if (static_cast<double>(wanted) - 1 >
        static_cast<double>(size) * scale.toDouble()) {
      return "'output_size' is " + std::to_string(wanted) + ", but '" + name +
             "' scales an input of size " + std::to_string(size) +
             " to fewer positions";
    }
  }
  return "";
}

std::string flash_attention_fault(SchemaRef schema, ArgumentSpan values) {
  const NamedArguments arguments(schema, values);
  const at::Tensor query = arguments.tensor("query");
  const at::Tensor key = arguments.tensor("key");
  const at::Tensor value = arguments.tensor("value");
  for (const at::Tensor& tensor : {query, key, value}) {
    if (tensor.dim() != 4 || tensor.size(0) != query.size(0)) {
      return "query, key and value must have 4 dimensions and equal batch "
             "sizes";
    }
    if (tensor.size(1) == 0 || tensor.size(2) == 0) {
      return "query, key and value each need at least one head and position";
    }
    if (tensor.size(3) > 1 && tensor.stride(3) != 1) {
      return "the last dimension of query, key and value must be contiguous";
    }
  }
  if (key.size(1) != value.size(1) || key.size(2) != value.size(2) ||
      query.size(1) % key.size(1) != 0) {
    return "'key' has sizes " + sizes_text(key.sizes()) +
           " and 'value' has sizes " + sizes_text(value.sizes()) +
           ", which don't fit 'query' of sizes " + sizes_text(query.sizes());
  }
  return "";
}

}  // namespace pp
