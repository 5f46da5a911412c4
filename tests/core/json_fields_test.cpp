#include "loader/core/json_fields.h"

#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include "loader/core/error.h"

namespace pp {
namespace {

using Json = nlohmann::json;

std::string error_of(const std::function<void()>& read) {
  try {
    read();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Input);
    return error.what();
  }
  return "none";
}

std::string parse_error(const std::string& text) {
  return error_of([&] { const JsonFields fields(text, "a.json"); });
}

TEST(JsonFields, ParseErrorsNameTheFileAndTheByte) {
  EXPECT_EQ(parse_error(R"({"a": )"), "a.json: not valid JSON at byte 7");
  EXPECT_EQ(parse_error(""), "a.json: not valid JSON at byte 1");
  EXPECT_EQ(
      parse_error("[1e999]"),
      "a.json: not valid JSON: a number is too "
      "large");
}

TEST(JsonFields, NestingIsLimited) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(parse_error(nested(512)), "none");
  EXPECT_EQ(
      parse_error(nested(513)),
      "a.json: nested more than 512 levels deep at byte 512");
  EXPECT_EQ(parse_error("\"" + std::string(1000, '[') + "\""), "none");
  EXPECT_EQ(parse_error(R"(["\")" + std::string(1000, '{') + "\"]"), "none");
  EXPECT_TRUE(try_parse_json(nested(512)));
  EXPECT_FALSE(try_parse_json(nested(513)));
  EXPECT_FALSE(try_parse_json("nothing"));
}

TEST(JsonFields, ErrorsNameThePathOfTheField) {
  const JsonFields fields(
      R"({"stages": [{}, {"flops": -1, "notes": ["x", 2]}],
          "job": {"train.steps": 3}, "big": 9223372036854775808})",
      "a.json");
  const Json& root = fields.root();
  const Json& stage = fields.array_at(root, "stages")[1];
  EXPECT_EQ(
      error_of([&] { fields.count_at(stage, "flops"); }),
      "a.json: stages[1].flops: must be an integer of 0 or more, found -1");
  EXPECT_EQ(
      error_of([&] { fields.texts_at(stage, "notes"); }),
      "a.json: stages[1].notes[1]: must be a string, found 2");
  EXPECT_EQ(
      error_of([&] { fields.at(stage, "hash"); }),
      "a.json: stages[1]: 'hash' is missing");
  EXPECT_EQ(
      error_of([&] { fields.at(root, "hash"); }), "a.json: 'hash' is missing");
  EXPECT_EQ(
      error_of([&] { fields.boolean(root["job"]["train.steps"]); }),
      "a.json: job['train.steps']: must be true or false, found 3");
  EXPECT_EQ(
      error_of([&] { fields.integer_at(root, "big"); }),
      "a.json: big: must be a 64-bit integer, found 9223372036854775808");
  EXPECT_EQ(
      error_of([&] { fields.object_at(root, "stages"); }).substr(0, 41),
      "a.json: stages: must be an object, found ");
}

TEST(JsonFields, ErrorsNameThePlace) {
  JsonFields fields(R"({"x": 1})", "a.json");
  fields.set_place("node 'add'");
  EXPECT_EQ(
      error_of([&] { fields.text_at(fields.root(), "x"); }),
      "a.json: node 'add': x: must be a string, found 1");
  EXPECT_EQ(
      error_of([&] { fields.fail("is not supported"); }),
      "a.json: node 'add': is not supported");
}

TEST(JsonFields, RealsMayBeSpelledOut) {
  const JsonFields fields(
      R"([1, 0.5, "Infinity", "-Infinity", "NaN", "x"])", "a.json");
  const Json& list = fields.root();
  EXPECT_EQ(fields.real(list[0]), 1);
  EXPECT_EQ(fields.real(list[1]), 0.5);
  EXPECT_EQ(fields.real(list[2]), INFINITY);
  EXPECT_EQ(fields.real(list[3]), -INFINITY);
  EXPECT_TRUE(std::isnan(fields.real(list[4])));
  EXPECT_EQ(
      error_of([&] { fields.real(list[5]); }),
      "a.json: [5]: must be a number, found \"x\"");
}

TEST(JsonFields, TheTagOfAUnionIsItsFieldThatIsNotNull) {
  const JsonFields fields(R"({"as_float": null, "as_int": 3})", "a.json");
  const auto [tag, value] = fields.one_of(fields.root());
  EXPECT_EQ(tag, "as_int");
  EXPECT_EQ(value, 3);
}

}  // namespace
}  // namespace pp
