#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "loader/core/error.h"
#include "splitter/manifest/manifest_json.h"
#include "tests/splitter/graphs.h"

namespace pp {
namespace {

using ::testing::HasSubstr;

Manifest example() {
  Manifest manifest = test::split(
                          R"(
range n = 2..64
module a type(A)
module b type(B)
module c type(C)
input %x: float32[n=4, 8]
input %k: int
parameter w = %w: float32[8, 8] grad alias(v)
buffer t = %t: bool[8]
%h: float32[n=4, 8] grad = aten.linear.default(input=%x, weight=%w) @ a
%s: float32[8, n=4] strides(1, 8) offset(2) device(cuda:1) grad = my.op.default(self=%h) @ a
%n: int = my.count.default(self=%x) @ a
%i: float32[n=4, 8] grad = my.op.default(self=%h, other=%t, k=%k) @ b
%y: float32[n=4, 8] grad = my.op.default(tensors[%i, %s], %n, %w) @ c
output y = %y
output n = %n
)",
                          {"b", "c"})
                          .manifest;
  manifest.source_file = "source.pt2";
  manifest.source_hash = "00112233";
  for (size_t i = 0; i < manifest.stages.size(); ++i) {
    manifest.stages[i].file = "stage_" + std::to_string(i) + ".pt2";
    manifest.stages[i].hash = "abc";
  }
  return manifest;
}

TEST(ManifestJson, ReadsBackWhatItWrites) {
  const Manifest manifest = example();
  const std::string json = to_json(manifest);
  const Manifest back = parse_manifest(json, "manifest.json");
  EXPECT_EQ(to_json(back), json);
  ASSERT_EQ(back.stages.size(), 3);
  EXPECT_EQ(
      back.stages[1].inputs[1].tensor, manifest.stages[1].inputs[1].tensor);
  EXPECT_EQ(back.stages[1].inputs[1].tensor.device.index, 1);
  EXPECT_EQ(back.tied[0].stages, (std::vector<int>{0, 2}));
  EXPECT_EQ(back.inputs[0].tensor.sizes[0].expr, "n");
}

/// The error after one change at a JSON pointer.
std::string error_after(
    const std::string& pointer, const nlohmann::json& value) {
  auto json = nlohmann::json::parse(to_json(example()));
  if (value.is_discarded()) {
    const nlohmann::json::json_pointer at(pointer);
    json[at.parent_pointer()].erase(at.back());
  } else {
    json[nlohmann::json::json_pointer(pointer)] = value;
  }
  try {
    parse_manifest(json.dump(), "manifest.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Input);
    return error.what();
  }
  return {};
}

TEST(ManifestJson, EveryFieldIsChecked) {
  const nlohmann::json gone(nlohmann::json::value_t::discarded);
  EXPECT_THAT(
      error_after("/version", 2),
      HasSubstr("manifest.json: version: is 2, but this pp reads version 1"));
  EXPECT_THAT(
      error_after("/version", "1"),
      HasSubstr("version: must be a 64-bit integer, found \"1\""));
  EXPECT_THAT(
      error_after("/format", "onnx"), HasSubstr("'onnx' is not a format"));
  EXPECT_THAT(
      error_after("/stages", nlohmann::json::array()),
      HasSubstr("stages: is empty"));
  EXPECT_THAT(
      error_after("/stages/1/inputs/0/dtype", "float99"),
      HasSubstr("stages[1].inputs[0].dtype: 'float99' is not an element type"));
  for (const char* device : {"cuda:x", "cuda:", "cuda:1x", ":1", ""}) {
    EXPECT_THAT(
        error_after("/stages/1/inputs/0/device", device),
        HasSubstr("' is not a device; write 'cpu' or 'cuda:0'"));
  }
  EXPECT_THAT(
      error_after("/stages/1/inputs/0/type", "list[tensor"),
      HasSubstr("is not a type"));
  EXPECT_THAT(
      error_after("/stages/0/file", "../stage_0.pt2"),
      HasSubstr("stages[0].file: '../stage_0.pt2' is not the name of a file"));
  EXPECT_THAT(
      error_after("/stages/0/flops", -1),
      HasSubstr("stages[0].flops: must be an integer of 0 or more, found -1"));
  EXPECT_THAT(
      error_after("/stages/0/outputs/0/shape", {1, -2}),
      HasSubstr("a size can't be negative"));
  EXPECT_THAT(
      error_after("/stages/0/outputs/0/strides", {1}),
      HasSubstr("different lengths"));
  EXPECT_THAT(
      error_after("/tied/0/stages", {0, 3}),
      HasSubstr("is stage 3, but there are only 3"));
  EXPECT_THAT(
      error_after("/stages/1/inputs/0/value", "other"),
      HasSubstr("stages: the inputs of stage 1 differ from the outputs that"));
  for (const char* field :
       {"/version",
        "/format",
        "/cuts",
        "/inputs",
        "/outputs",
        "/stages",
        "/tied",
        "/source_hash",
        "/stages/0/hash",
        "/stages/0/modules",
        "/stages/0/notes",
        "/stages/2/bytes_in",
        "/stages/0/outputs/0/to_next",
        "/inputs/0/keyword",
        "/tied/0/fqn"}) {
    EXPECT_THAT(error_after(field, gone), HasSubstr("is missing")) << field;
  }
}

TEST(ManifestJson, RefusesTextThatIsNotJson) {
  EXPECT_THROW(parse_manifest("{", "manifest.json"), Error);
  EXPECT_THROW(parse_manifest("[]", "manifest.json"), Error);
  EXPECT_THROW(parse_manifest("", "manifest.json"), Error);
}

}  // namespace
}  // namespace pp
