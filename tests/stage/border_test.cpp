#include "runtime/stage/border.h"

#include <gtest/gtest.h>

#include "loader/core/error.h"

namespace pp {
namespace {

ir::TensorMeta float_tensor() {
  ir::TensorMeta meta;
  meta.sizes = {{2, ""}};
  meta.strides = {{1, ""}};
  return meta;
}

StageInput received(const std::string& value) {
  StageInput input;
  input.value = value;
  input.tensor = float_tensor();
  return input;
}

StageOutput sent(const std::string& value, bool relayed, bool only_for_output) {
  StageOutput output;
  output.value = value;
  output.to_next = true;
  output.relayed = relayed;
  output.only_for_output = only_for_output;
  output.tensor = float_tensor();
  return output;
}

StageOutput returned(
    const std::string& value, const std::string& name, bool relayed = false) {
  StageOutput output;
  output.relayed = relayed;
  output.value = value;
  output.model_output = name;
  output.tensor = float_tensor();
  return output;
}

/// Stage 0 makes h, skip and early; stage 2 reads h2 and skip; early is only a
/// model output.
Manifest three_stages() {
  Manifest manifest;
  manifest.outputs = {{"early", {}, {}}, {"late", {}, {}}};
  manifest.stages.resize(3);
  manifest.stages[0].outputs = {
      sent("h", false, false),
      sent("skip", false, false),
      sent("early_value", false, true)};
  manifest.stages[1].inputs = {
      received("h"), received("skip"), received("early_value")};
  manifest.stages[1].outputs = {
      sent("h2", false, false),
      sent("skip", true, false),
      sent("early_value", true, true)};
  manifest.stages[2].inputs = {
      received("h2"), received("skip"), received("early_value")};
  manifest.stages[2].outputs = {
      returned("early_value", "early", true), returned("y", "late")};
  return manifest;
}

TEST(Border, WhatOnlyTheModelReturnsStaysWhereNobodyAsked) {
  const Manifest manifest = three_stages();
  const Border first = plan_border(manifest, 0, {"late"});
  EXPECT_TRUE(first.exits[0].to_next);
  EXPECT_TRUE(first.exits[1].to_next);
  EXPECT_FALSE(first.exits[2].to_next);
  const Border middle = plan_border(manifest, 1, {"late"});
  EXPECT_EQ(middle.entries[2].from, EntryPoint::From::Nowhere);
  EXPECT_FALSE(middle.exits[2].to_next);
  const Border last = plan_border(manifest, 2, {"late"});
  EXPECT_EQ(last.entries[2].from, EntryPoint::From::Nowhere);
  EXPECT_EQ(last.exits[0].model_output, "");
  EXPECT_EQ(last.exits[1].model_output, "late");
}

TEST(Border, AWantedEarlyOutputTravelsToTheLastStage) {
  const Manifest manifest = three_stages();
  const WantedOutputs both = {"early", "late"};
  EXPECT_TRUE(plan_border(manifest, 0, both).exits[2].to_next);
  const Border middle = plan_border(manifest, 1, both);
  EXPECT_EQ(middle.entries[2].from, EntryPoint::From::Previous);
  EXPECT_EQ(middle.exits[2].relay_input, 2);
  const Border last = plan_border(manifest, 2, both);
  EXPECT_EQ(last.exits[0].model_output, "early");
  EXPECT_EQ(last.exits[0].relay_input, 2);
}

TEST(Border, ARelayKnowsItsOtherSide) {
  const Border middle = plan_border(three_stages(), 1, {"late"});
  EXPECT_EQ(middle.exits[1].relay_input, 1);
  EXPECT_EQ(middle.entries[1].relay_output, 1);
  EXPECT_EQ(middle.entries[0].relay_output, -1);
}

TEST(Border, AnUnknownOutputIsRefusedWithTheNames) {
  try {
    plan_border(three_stages(), 0, {"lat"});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    EXPECT_STREQ(
        error.what(), "the model has no output 'lat'; it has early, late");
  }
}

}  // namespace
}  // namespace pp
