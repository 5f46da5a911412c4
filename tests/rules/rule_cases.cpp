#include "tests/rules/rule_cases.h"

#include <algorithm>

namespace pp::testing {

namespace {

constexpr CaseValue::Role kParameter = CaseValue::Role::Parameter;
constexpr CaseValue::Role kBuffer = CaseValue::Role::Buffer;
constexpr CaseValue::Role kIndices = CaseValue::Role::Indices;
constexpr CaseValue::Role kMask = CaseValue::Role::Mask;

const CaseValue kX{"x", {3, 4, 6}};
const CaseValue kSameSize{"z", {3, 4, 6}};
const CaseValue kRow{"z", {6}, kParameter};
const CaseValue kColumn{"z", {4, 1}};
const CaseValue kMatrix{"a", {4, 6}};
const CaseValue kImage{"x", {2, 4, 6, 6}};

/// The text of a single call.
std::string one(const std::string& call) {
  return "%y: T[1] = aten." + call + "\n";
}

/// A case that calls a function of one tensor.
RuleCase of_one_tensor(const std::string& name) {
  return {name, one(name + ".default(self=%x)"), {kX}};
}

std::vector<RuleCase> linear_cases() {
  const CaseValue b{"b", {6, 5}, kParameter};
  const CaseValue weight{"w", {5, 6}, kParameter};
  const CaseValue bias{"b", {5}, kParameter};
  return {
      {"Linear",
       one("linear.default(input=%x, weight=%w, bias=%b)"),
       {kX, weight, bias}},
      {"LinearWithoutBias",
       one("linear.default(input=%x, weight=%w)"),
       {kX, weight}},
      {"LinearOfAMatrix",
       one("linear.default(input=%a, weight=%w, bias=%b)"),
       {kMatrix, weight, bias}},
      {"LinearOfFourDimensions",
       one("linear.default(input=%x, weight=%w, bias=%b)"),
       {{"x", {2, 3, 4, 6}}, weight, bias}},
      {"Mm", one("mm.default(self=%a, mat2=%b)"), {kMatrix, b}},
      {"Addmm",
       one("addmm.default(self=%c, mat1=%a, mat2=%b)"),
       {{"c", {5}, kParameter}, kMatrix, b}},
      {"Bmm",
       one("bmm.default(self=%a, mat2=%b)"),
       {{"a", {3, 4, 6}}, {"b", {3, 6, 5}}}},
  };
}

std::vector<RuleCase> normalization_cases() {
  const CaseValue w4{"w", {4}, kParameter};
  const CaseValue b4{"b", {4}, kParameter};
  const CaseValue mean{"m", {4}, kBuffer};
  const CaseValue var{"v", {4}, kBuffer};
  const auto batch_norm = [](const std::string& running_mean,
                             const std::string& running_var,
                             const std::string& training) {
    return one(
        "batch_norm.default(input=%x, weight=%w, bias=%b, running_mean=" +
        running_mean + ", running_var=" + running_var + ", training=" +
        training + ", momentum=0.1, eps=1e-05, cudnn_enabled=false)");
  };
  return {
      {"LayerNorm",
       one("layer_norm.default(input=%x, normalized_shape=ints[6], weight=%w, "
           "bias=%b)"),
       {kX, {"w", {6}, kParameter}, {"b", {6}, kParameter}}},
      {"LayerNormPlain",
       one("layer_norm.default(input=%x, normalized_shape=ints[4, 6])"),
       {kX}},
      {"GroupNorm",
       one("group_norm.default(input=%x, num_groups=2, weight=%w, bias=%b)"),
       {kImage, w4, b4}},
      {"BatchNorm", batch_norm("none", "none", "true"), {kImage, w4, b4}},
      {"BatchNormWithStatistics",
       batch_norm("%m", "%v", "true"),
       {kImage, w4, b4, mean, var}},
      {"BatchNormInEvalMode",
       batch_norm("%m", "%v", "false"),
       {kImage, w4, b4, mean, var}},
  };
}

std::vector<RuleCase> convolution_cases() {
  return {
      {"Conv1d",
       one("conv1d.default(input=%x, weight=%w, padding=ints[1])"),
       {kX, {"w", {5, 4, 3}, kParameter}}},
      {"Conv2d",
       one("conv2d.default(input=%x, weight=%w, bias=%b, stride=ints[2, 1], "
           "padding=ints[1, 0], groups=2)"),
       {kImage, {"w", {8, 2, 3, 3}, kParameter}, {"b", {8}, kParameter}}},
      {"Conv3d",
       one("conv3d.default(input=%x, weight=%w, dilation=ints[1, 2, 1])"),
       {{"x", {2, 3, 4, 6, 5}}, {"w", {4, 3, 2, 2, 3}, kParameter}}},
  };
}

std::vector<RuleCase> lookup_cases() {
  return {
      {"Embedding",
       one("embedding.default(weight=%w, indices=%i)"),
       {{"w", {9, 5}, kParameter}, {"i", {3, 4}, kIndices}}},
      {"EmbeddingWithPadding",
       one("embedding.default(weight=%w, indices=%i, padding_idx=2)"),
       {{"w", {9, 5}, kParameter}, {"i", {3, 4}, kIndices}}},
  };
}

std::vector<RuleCase> attention_cases() {
  const CaseValue q{"q", {2, 3, 8, 16}};
  const CaseValue k{"k", {2, 3, 8, 16}};
  const CaseValue v{"v", {2, 3, 8, 16}};
  return {
      {"Attention",
       one("scaled_dot_product_attention.default(query=%q, key=%k, value=%v, "
           "is_causal=true)"),
       {q, k, v}},
      {"AttentionWithAMask",
       one("scaled_dot_product_attention.default(query=%q, key=%k, value=%v, "
           "attn_mask=%m, scale=0.3)"),
       {q, k, v, {"m", {2, 1, 8, 8}, kMask}}},
      {"AttentionWithABias",
       "%m: T[1] = aten.detach.default(self=%f)\n" +
           one("scaled_dot_product_attention.default(query=%q, key=%k, "
               "value=%v, attn_mask=%m)"),
       {q, k, v, {"f", {2, 1, 8, 8}}}},
  };
}

std::vector<RuleCase> reduction_cases() {
  return {
      {"Softmax", one("softmax.int(self=%x, dim=-1)"), {kX}},
      {"LogSoftmax", one("log_softmax.int(self=%x, dim=1)"), {kX}},
      {"Sum", one("sum.default(self=%x)"), {kX}},
      {"SumOverDimensions",
       one("sum.dim_IntList(self=%x, dim=ints[0, -1])"),
       {kX}},
      {"SumKeepingDimensions",
       one("sum.dim_IntList(self=%x, dim=ints[1], keepdim=true)"),
       {kX}},
      {"Mean", one("mean.default(self=%x)"), {kX}},
      {"MeanOverDimensions",
       one("mean.dim(self=%x, dim=ints[-1], keepdim=true)"),
       {kX}},
      {"MeanOverTwo", one("mean.dim(self=%x, dim=ints[2, 0])"), {kX}},
  };
}

std::vector<RuleCase> arithmetic_cases() {
  std::vector<RuleCase> cases = {
      {"AddItself", one("add.Tensor(self=%x, other=%x)"), {kX}},
      {"AddARow", one("add.Tensor(self=%x, other=%z)"), {kX, kRow}},
      {"AddANumber", one("add.Tensor(self=%x, other=2.5)"), {kX}},
      {"AddAScalar", one("add.Scalar(self=%x, other=3)"), {kX}},
      {"Sub", one("sub.Tensor(self=%z, other=%x)"), {kX, kColumn}},
      {"Mul", one("mul.Tensor(self=%x, other=%z)"), {kX, kColumn}},
      {"MulByARow", one("mul.Tensor(self=%x, other=%z)"), {kX, kRow}},
      {"Square", one("mul.Tensor(self=%x, other=%x)"), {kX}},
      {"MulByANumber", one("mul.Tensor(self=%x, other=0.7)"), {kX}},
      {"MulByAScalar", one("mul.Scalar(self=%x, other=0.7)"), {kX}},
      {"Div", one("div.Tensor(self=%x, other=%z)"), {kX, kSameSize}},
      {"DivByANumber", one("div.Tensor(self=%x, other=3)"), {kX}},
      {"DivByAScalar", one("div.Scalar(self=%x, other=3)"), {kX}},
      {"PowOfTwo", one("pow.Tensor_Scalar(self=%x, exponent=2)"), {kX}},
      {"Cube", one("pow.Tensor_Scalar(self=%x, exponent=3.0)"), {kX}},
  };
  for (const char* name : {"neg", "exp", "sin", "cos"}) {
    cases.push_back(of_one_tensor(name));
  }
  for (const char* name : {"log", "sqrt", "rsqrt"}) {
    cases.push_back(
        {name,
         "%p: T[1] = aten.exp.default(self=%x)\n" +
             one(std::string(name) + ".default(self=%p)"),
         {kX}});
  }
  return cases;
}

std::vector<RuleCase> activation_cases() {
  std::vector<RuleCase> cases = {
      {"Gelu", one("gelu.default(self=%x)"), {kX}},
      {"GeluByTanh", one("gelu.default(self=%x, approximate=\"tanh\")"), {kX}},
      {"LeakyRelu", one("leaky_relu.default(self=%x)"), {kX}},
      {"Hardtanh", one("hardtanh.default(self=%x)"), {kX}},
      {"Relu6", one("relu6.default(self=%x)"), {kX}},
  };
  for (const char* name :
       {"tanh", "sigmoid", "relu", "silu", "hardswish", "hardsigmoid"}) {
    cases.push_back(of_one_tensor(name));
  }
  return cases;
}

std::vector<RuleCase> selection_cases() {
  return {
      {"Where",
       one("where.self(condition=%m, self=%x, other=%z)"),
       {kX, kRow, {"m", {3, 4, 6}, kMask}}},
      {"MaskedFill",
       one("masked_fill.Scalar(self=%x, mask=%m, value=-2.0)"),
       {kX, {"m", {4, 6}, kMask}}},
  };
}

std::vector<RuleCase> shape_cases() {
  return {
      {"View", one("view.default(self=%x, size=ints[12, 6])"), {kX}},
      {"Reshape",
       "%t: T[1] = aten.transpose.int(self=%x, dim0=0, dim1=2)\n" +
           one("reshape.default(self=%t, shape=ints[6, -1])"),
       {kX}},
      {"Flatten", one("flatten.using_ints(self=%x, start_dim=1)"), {kX}},
      {"Unflatten",
       one("unflatten.int(self=%x, dim=2, sizes=ints[2, 3])"),
       {kX}},
      {"Unsqueeze", one("unsqueeze.default(self=%x, dim=1)"), {kX}},
      {"Squeeze", one("squeeze.dim(self=%z, dim=1)"), {kColumn}},
      {"SqueezeAll", one("squeeze.default(self=%z)"), {kColumn}},
      {"T", one("t.default(self=%a)"), {kMatrix}},
      {"Expand",
       one("expand.default(self=%z, size=ints[3, -1, 6])"),
       {kColumn}},
  };
}

std::vector<RuleCase> conversion_cases() {
  return {
      {"Alias", one("alias.default(self=%x)"), {kX}},
      {"Contiguous",
       "%t: T[1] = aten.permute.default(self=%x, dims=ints[2, 0, 1])\n" +
           one("contiguous.default(self=%t)"),
       {kX}},
      {"Clone", one("clone.default(self=%x)"), {kX}},
      {"ToTheSame", one("to.dtype(self=%x, dtype=T)"), {kX}},
      {"ToAnother",
       "%t: float64[1] = aten.to.dtype(self=%x, dtype=float64)\n" +
           one("to.dtype(self=%t, dtype=T)"),
       {kX}},
  };
}

std::vector<RuleCase> slicing_cases() {
  return {
      {"Slice",
       one("slice.Tensor(self=%x, dim=1, start=1, end=4, step=2)"),
       {kX}},
      {"Select", one("select.int(self=%x, dim=-1, index=2)"), {kX}},
      {"Split",
       "[%p: T[1], %q: T[1]] = aten.split.Tensor(self=%x, split_size=4, "
       "dim=2)\n" +
           one("sum.default(self=%q)"),
       {kX}},
      {"SplitWithSizes",
       "[%p: T[1], %q: T[1], %r: T[1]] = aten.split_with_sizes.default("
       "self=%x, split_sizes=ints[1, 3, 2], dim=-1)\n" +
           one("mul.Tensor(self=%p, other=%r)"),
       {kX}},
      // Four parts of six don't exist: chunk makes three of two.
      {"Chunk",
       "[%p: T[1], %q: T[1], %r: T[1]] = aten.chunk.default(self=%x, "
       "chunks=4, dim=2)\n" +
           one("mul.Tensor(self=%p, other=%r)"),
       {kX}},
      {"Unbind",
       "[%p: T[1], %q: T[1], %r: T[1]] = aten.unbind.int(self=%x)\n" +
           one("mul.Tensor(self=%p, other=%r)"),
       {kX}},
      {"Cat",
       one("cat.default(tensors=tensors[%x, %z, %x], dim=1)"),
       {kX, kSameSize}},
      {"Stack",
       one("stack.default(tensors=tensors[%x, %z], dim=1)"),
       {kX, kSameSize}},
  };
}

std::vector<RuleCase> dropout_cases() {
  return {
      {"Dropout", one("dropout.default(input=%x, p=0.4, train=true)"), {kX}},
      {"DropoutWithRateZero",
       one("dropout.default(input=%x, p=0.0, train=true)"),
       {kX}},
  };
}

void replace_all(
    std::string& text, std::string_view from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;
       at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

std::string declaration(const CaseValue& value, const std::string& type) {
  std::string text = value.role == kParameter
                         ? "parameter " + value.name + " = "
                     : value.role == kBuffer ? "buffer " + value.name + " = "
                                             : "input ";
  text += "%" + value.name + ": ";
  text += value.role == kIndices ? "int64"
          : value.role == kMask  ? "bool"
                                 : type;
  text += "[";
  for (size_t i = 0; i < value.sizes.size(); ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(value.sizes[i]);
  }
  return text + (value.role == kParameter ? "] grad\n" : "]\n");
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const RuleCase& test) {
  return out << test.name;
}

std::vector<RuleCase> rule_cases() {
  std::vector<RuleCase> all;
  for (const auto cases :
       {linear_cases,
        normalization_cases,
        convolution_cases,
        lookup_cases,
        attention_cases,
        reduction_cases,
        arithmetic_cases,
        activation_cases,
        selection_cases,
        shape_cases,
        conversion_cases,
        slicing_cases,
        dropout_cases}) {
    std::ranges::move(cases(), std::back_inserter(all));
  }
  return all;
}

std::string graph_text(const RuleCase& test, const std::string& type) {
  std::string text;
  for (const CaseValue& value : test.values) {
    text += declaration(value, type);
  }
  std::string calls = test.calls;
  replace_all(calls, " T[1]", " " + type + "[1]");
  replace_all(calls, "dtype=T", "dtype=" + type);
  return text + calls + "output y = %y\n";
}

}  // namespace pp::testing
