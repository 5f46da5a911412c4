// Every rule against LibTorch's autograd, to the bit.

#include "runtime/autodiff/rules.h"

#include <gtest/gtest.h>

#include "tests/autodiff/against_autograd.h"

namespace pp {
namespace {

using testing::graph_of;

/// A value that the calls read: %x, %w, ... The shapes of results are not
/// looked at.
struct Given {
  std::string name;
  std::vector<int64_t> sizes;
  enum class As { Input, Parameter, Buffer, Indices, Mask } as = As::Input;
};
constexpr Given::As kParameter = Given::As::Parameter;
constexpr Given::As kBuffer = Given::As::Buffer;
constexpr Given::As kIndices = Given::As::Indices;
constexpr Given::As kMask = Given::As::Mask;

struct Case {
  std::string name;
  std::string calls;  ///< the last one makes %y
  std::vector<Given> given;
};

std::ostream& operator<<(std::ostream& out, const Case& test) {
  return out << test.name;
}

std::string one(const std::string& call) {
  return "%y: T[1] = aten." + call + "\n";
}

std::vector<Case> cases() {
  const Given x{"x", {3, 4, 6}};
  const Given same_size{"z", {3, 4, 6}};
  const Given row{"z", {6}, kParameter};
  const Given column{"z", {4, 1}};
  const Given weight{"w", {5, 6}, kParameter};
  const Given bias{"b", {5}, kParameter};
  const Given image{"x", {2, 4, 6, 6}};
  const Given a{"a", {4, 6}};
  const Given b{"b", {6, 5}, kParameter};
  const Given q{"q", {2, 3, 8, 16}};
  const Given k{"k", {2, 3, 8, 16}};
  const Given v{"v", {2, 3, 8, 16}};
  std::vector<Case> all = {
      {"Linear",
       one("linear.default(input=%x, weight=%w, bias=%b)"),
       {x, weight, bias}},
      {"LinearWithoutBias",
       one("linear.default(input=%x, weight=%w)"),
       {x, weight}},
      {"LinearOfAMatrix",
       one("linear.default(input=%a, weight=%w, bias=%b)"),
       {a, weight, bias}},
      {"LinearOfFourDimensions",
       one("linear.default(input=%x, weight=%w, bias=%b)"),
       {{"x", {2, 3, 4, 6}}, weight, bias}},
      {"Mm", one("mm.default(self=%a, mat2=%b)"), {a, b}},
      {"Addmm",
       one("addmm.default(self=%c, mat1=%a, mat2=%b)"),
       {{"c", {5}, kParameter}, a, b}},
      {"Bmm",
       one("bmm.default(self=%a, mat2=%b)"),
       {{"a", {3, 4, 6}}, {"b", {3, 6, 5}}}},
      {"LayerNorm",
       one("layer_norm.default(input=%x, normalized_shape=ints[6], weight=%w, "
           "bias=%b)"),
       {x, {"w", {6}, kParameter}, {"b", {6}, kParameter}}},
      {"LayerNormPlain",
       one("layer_norm.default(input=%x, normalized_shape=ints[4, 6])"),
       {x}},
      {"GroupNorm",
       one("group_norm.default(input=%x, num_groups=2, weight=%w, bias=%b)"),
       {image, {"w", {4}, kParameter}, {"b", {4}, kParameter}}},
      {"BatchNorm",
       one("batch_norm.default(input=%x, weight=%w, bias=%b, "
           "running_mean=none, running_var=none, training=true, momentum=0.1, "
           "eps=1e-05, cudnn_enabled=false)"),
       {image, {"w", {4}, kParameter}, {"b", {4}, kParameter}}},
      {"Conv2d",
       one("conv2d.default(input=%x, weight=%w, bias=%b, stride=ints[2, 1], "
           "padding=ints[1, 0], groups=2)"),
       {image, {"w", {8, 2, 3, 3}, kParameter}, {"b", {8}, kParameter}}},
      {"BatchNormThatCounts",
       one("batch_norm.default(input=%x, weight=%w, bias=%b, "
           "running_mean=%m, running_var=%v, training=true, momentum=0.1, "
           "eps=1e-05, cudnn_enabled=false)"),
       {image,
        {"w", {4}, kParameter},
        {"b", {4}, kParameter},
        {"m", {4}, kBuffer},
        {"v", {4}, kBuffer}}},
      {"BatchNormOfAnEvaluation",
       one("batch_norm.default(input=%x, weight=%w, bias=%b, "
           "running_mean=%m, running_var=%v, training=false, momentum=0.1, "
           "eps=1e-05, cudnn_enabled=false)"),
       {image,
        {"w", {4}, kParameter},
        {"b", {4}, kParameter},
        {"m", {4}, kBuffer},
        {"v", {4}, kBuffer}}},
      {"Conv3d",
       one("conv3d.default(input=%x, weight=%w, dilation=ints[1, 2, 1])"),
       {{"x", {2, 3, 4, 6, 5}}, {"w", {4, 3, 2, 2, 3}, kParameter}}},
      {"Conv1d",
       one("conv1d.default(input=%x, weight=%w, padding=ints[1])"),
       {x, {"w", {5, 4, 3}, kParameter}}},
      {"Embedding",
       one("embedding.default(weight=%w, indices=%i)"),
       {{"w", {9, 5}, kParameter}, {"i", {3, 4}, kIndices}}},
      {"EmbeddingWithPadding",
       one("embedding.default(weight=%w, indices=%i, padding_idx=2)"),
       {{"w", {9, 5}, kParameter}, {"i", {3, 4}, kIndices}}},
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
      {"Softmax", one("softmax.int(self=%x, dim=-1)"), {x}},
      {"LogSoftmax", one("log_softmax.int(self=%x, dim=1)"), {x}},
      {"Sum", one("sum.default(self=%x)"), {x}},
      {"SumOverDimensions",
       one("sum.dim_IntList(self=%x, dim=ints[0, -1])"),
       {x}},
      {"SumKeepingThem",
       one("sum.dim_IntList(self=%x, dim=ints[1], keepdim=true)"),
       {x}},
      {"Mean", one("mean.default(self=%x)"), {x}},
      {"MeanOverDimensions",
       one("mean.dim(self=%x, dim=ints[-1], keepdim=true)"),
       {x}},
      {"MeanOverTwo", one("mean.dim(self=%x, dim=ints[2, 0])"), {x}},
      {"AddItself", one("add.Tensor(self=%x, other=%x)"), {x}},
      {"AddARow", one("add.Tensor(self=%x, other=%z)"), {x, row}},
      {"AddANumber", one("add.Tensor(self=%x, other=2.5)"), {x}},
      {"Sub", one("sub.Tensor(self=%z, other=%x)"), {x, column}},
      {"Mul", one("mul.Tensor(self=%x, other=%z)"), {x, column}},
      {"MulByARow", one("mul.Tensor(self=%x, other=%z)"), {x, row}},
      {"Square", one("mul.Tensor(self=%x, other=%x)"), {x}},
      {"MulByANumber", one("mul.Tensor(self=%x, other=0.7)"), {x}},
      {"MulByAScalar", one("mul.Scalar(self=%x, other=0.7)"), {x}},
      {"Div", one("div.Tensor(self=%x, other=%z)"), {x, same_size}},
      {"DivByANumber", one("div.Tensor(self=%x, other=3)"), {x}},
      {"DivByAScalar", one("div.Scalar(self=%x, other=3)"), {x}},
      {"AddAScalar", one("add.Scalar(self=%x, other=3)"), {x}},
      {"Square2", one("pow.Tensor_Scalar(self=%x, exponent=2)"), {x}},
      {"Cube", one("pow.Tensor_Scalar(self=%x, exponent=3.0)"), {x}},
      {"Gelu", one("gelu.default(self=%x)"), {x}},
      {"GeluByTanh", one("gelu.default(self=%x, approximate=\"tanh\")"), {x}},
      {"LeakyRelu", one("leaky_relu.default(self=%x)"), {x}},
      {"Hardtanh", one("hardtanh.default(self=%x)"), {x}},
      {"Relu6", one("relu6.default(self=%x)"), {x}},
      {"Where",
       one("where.self(condition=%m, self=%x, other=%z)"),
       {x, row, {"m", {3, 4, 6}, kMask}}},
      {"MaskedFill",
       one("masked_fill.Scalar(self=%x, mask=%m, value=-2.0)"),
       {x, {"m", {4, 6}, kMask}}},
      {"View", one("view.default(self=%x, size=ints[12, 6])"), {x}},
      {"Reshape",
       "%t: T[1] = aten.transpose.int(self=%x, dim0=0, dim1=2)\n" +
           one("reshape.default(self=%t, shape=ints[6, -1])"),
       {x}},
      {"Flatten", one("flatten.using_ints(self=%x, start_dim=1)"), {x}},
      {"Unflatten",
       one("unflatten.int(self=%x, dim=2, sizes=ints[2, 3])"),
       {x}},
      {"Unsqueeze", one("unsqueeze.default(self=%x, dim=1)"), {x}},
      {"Squeeze", one("squeeze.dim(self=%z, dim=1)"), {column}},
      {"SqueezeAll", one("squeeze.default(self=%z)"), {column}},
      {"Alias", one("alias.default(self=%x)"), {x}},
      {"Contiguous",
       "%t: T[1] = aten.permute.default(self=%x, dims=ints[2, 0, 1])\n" +
           one("contiguous.default(self=%t)"),
       {x}},
      {"Clone", one("clone.default(self=%x)"), {x}},
      {"ToTheSame", one("to.dtype(self=%x, dtype=T)"), {x}},
      {"ToAnother",
       "%t: float64[1] = aten.to.dtype(self=%x, dtype=float64)\n" +
           one("to.dtype(self=%t, dtype=T)"),
       {x}},
      {"T", one("t.default(self=%a)"), {a}},
      {"Expand", one("expand.default(self=%z, size=ints[3, -1, 6])"), {column}},
      {"Slice",
       one("slice.Tensor(self=%x, dim=1, start=1, end=4, step=2)"),
       {x}},
      {"Select", one("select.int(self=%x, dim=-1, index=2)"), {x}},
      {"Cat",
       one("cat.default(tensors=tensors[%x, %z, %x], dim=1)"),
       {x, same_size}},
      {"Stack",
       one("stack.default(tensors=tensors[%x, %z], dim=1)"),
       {x, same_size}},
      {"Split",
       "[%p: T[1], %q: T[1]] = aten.split.Tensor(self=%x, split_size=4, "
       "dim=2)\n" +
           one("sum.default(self=%q)"),
       {x}},
      {"SplitWithSizes",
       "[%p: T[1], %q: T[1], %r: T[1]] = aten.split_with_sizes.default("
       "self=%x, split_sizes=ints[1, 3, 2], dim=-1)\n" +
           one("mul.Tensor(self=%p, other=%r)"),
       {x}},
      {"Unbind",
       "[%p: T[1], %q: T[1], %r: T[1]] = aten.unbind.int(self=%x)\n" +
           one("mul.Tensor(self=%p, other=%r)"),
       {x}},
      {"Dropout", one("dropout.default(input=%x, p=0.4, train=true)"), {x}},
      {"DropoutOfNothing",
       one("dropout.default(input=%x, p=0.0, train=true)"),
       {x}},
  };
  // chunk can't have four parts of six: three of two
  all.push_back(
      {"Chunk",
       "[%p: T[1], %q: T[1], %r: T[1]] = aten.chunk.default(self=%x, "
       "chunks=4, dim=2)\n" +
           one("mul.Tensor(self=%p, other=%r)"),
       {x}});
  for (const char* name :
       {"neg",
        "exp",
        "sin",
        "cos",
        "tanh",
        "sigmoid",
        "relu",
        "silu",
        "hardswish",
        "hardsigmoid"}) {
    all.push_back({name, one(std::string(name) + ".default(self=%x)"), {x}});
  }
  for (const char* name : {"log", "sqrt", "rsqrt"}) {
    all.push_back(
        {name,
         "%p: T[1] = aten.exp.default(self=%x)\n" +
             one(std::string(name) + ".default(self=%p)"),
         {x}});
  }
  return all;
}

std::string graph_text(const Case& test, const std::string& type) {
  std::string text;
  for (const Given& value : test.given) {
    const std::string own = value.as == kIndices ? "int64"
                            : value.as == kMask  ? "bool"
                                                 : type;
    text += value.as == kParameter ? "parameter " + value.name + " = "
            : value.as == kBuffer  ? "buffer " + value.name + " = "
                                   : "input ";
    text += "%" + value.name + ": " + own + "[";
    for (size_t i = 0; i < value.sizes.size(); ++i) {
      text += (i > 0 ? ", " : "") + std::to_string(value.sizes[i]);
    }
    text += value.as == kParameter ? "] grad\n" : "]\n";
  }
  std::string calls = test.calls;
  for (size_t at = 0; (at = calls.find(" T[1]", at)) != std::string::npos;) {
    calls.replace(at, 5, " " + type + "[1]");
  }
  for (size_t at = 0; (at = calls.find("dtype=T", at)) != std::string::npos;) {
    calls.replace(at, 7, "dtype=" + type);
  }
  return text + calls + "output y = %y\n";
}

at::Tensor made(const Given& value, at::ScalarType type) {
  switch (value.as) {
    case kIndices:
      return at::randint(9, value.sizes, at::kLong);
    case kMask: {
      at::Tensor mask = at::rand(value.sizes).gt(0.3);
      mask.select(-1, 0).fill_(true);  // something is always to be seen
      return mask;
    }
    case kBuffer:
      return at::rand(value.sizes, at::kDouble).add(0.5).to(type);
    default:
      return at::randn(value.sizes, at::kDouble).to(type);
  }
}

class Rules : public ::testing::TestWithParam<Case> {};

void expect_autograds_bits(const Case& test, at::ScalarType type) {
  at::manual_seed(3);
  const std::string name = type == at::kFloat ? "float32" : "float64";
  const Program program(graph_of(graph_text(test, name)), {{}, "test"});
  std::vector<at::Tensor> inputs;
  std::vector<at::Tensor> states;
  for (const Given& value : test.given) {
    const bool is_state = value.as == kParameter || value.as == kBuffer;
    (is_state ? states : inputs)
        .push_back(made(value, type).set_requires_grad(value.as == kParameter));
  }
  testing::expect_autograds_bits(program, program, inputs, states, 0);
}

TEST_P(Rules, GiveAutogradsBits) {
  expect_autograds_bits(GetParam(), at::kFloat);
  expect_autograds_bits(GetParam(), at::kDouble);
}

INSTANTIATE_TEST_SUITE_P(
    Each, Rules, ::testing::ValuesIn(cases()), [](const auto& test) {
      return test.param.name;
    });

TEST(RuleTable, AnOperatorWithoutOneIsAutograds) {
  EXPECT_EQ(find_rule("aten::cumprod"), nullptr);
  EXPECT_NE(find_rule("aten::add.Tensor"), nullptr);
}

/// Every rule of the table has a case here.
TEST(RuleTable, EachIsTested) {
  for (const auto& rules :
       {attention_rules(),
        convolution_rules(),
        linear_rules(),
        lookup_rules(),
        normalization_rules(),
        pointwise_rules(),
        reduction_rules(),
        shape_rules()}) {
    for (const Rule& rule : rules) {
      std::string called = std::string(rule.name).substr(6);
      if (called.find('.') == std::string::npos) {
        called += ".default";
      }
      bool found = false;
      for (const Case& test : cases()) {
        found = found ||
                test.calls.find("aten." + called + "(") != std::string::npos;
      }
      EXPECT_TRUE(
          found || called == "_unsafe_view.default" || called == "to.device" ||
          called == "to.dtype_layout")
          << called;
    }
  }
}

}  // namespace
}  // namespace pp
