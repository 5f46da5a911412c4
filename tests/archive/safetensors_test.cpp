#include "loader/archive/safetensors.h"

#include <cstring>

#include <gtest/gtest.h>

#include "loader/archive/bytes.h"
#include "tests/archive/expect_error.h"
#include "tests/archive/temp_folder.h"

namespace pp::test {
namespace {

using ir::ScalarType;

/// A file with this header and `num_bytes` of data.
std::string file_of(const std::string& header, size_t num_bytes) {
  std::string out;
  append_le<uint64_t>(out, header.size());
  return out + header + std::string(num_bytes, '\x01');
}

TEST(Safetensors, MetadataMayBeNull) {
  const TempFolder folder;
  const auto path =
      folder.put("t.safetensors", file_of(R"({"__metadata__":null})", 0));
  EXPECT_TRUE(SafetensorsReader(path).metadata().empty());
}

TEST(Safetensors, AHeaderAboveTheLimitOfTheFormatIsNotCalledTruncated) {
  const TempFolder folder;
  std::string size;
  append_le<uint64_t>(size, 100'000'001);
  const auto path = folder.put("t.safetensors", size);
  std::filesystem::resize_file(path, 100'000'100);  // sparse
  expect_error(
      ErrorKind::Input,
      "its safetensors header has 100000001 bytes; the format allows at most "
      "100000000",
      [&] { const SafetensorsReader reader(path); });
}

TEST(Safetensors, ReadsBackWhatItWrote) {
  const TempFolder folder;
  const std::vector<float> floats = {1, 2, 3, 4, 5, 6};
  const std::string bools = "\x01";
  const std::vector<int64_t> longs = {-7};
  const std::map<std::string, TensorView> tensors = {
      {"a.flag", {ScalarType::Bool, {1}, as_bytes(bools)}},
      {"b.weight",
       {ScalarType::Float, {2, 3}, std::as_bytes(std::span(floats))}},
      {"c.step", {ScalarType::Long, {}, std::as_bytes(std::span(longs))}},
      {"d.empty", {ScalarType::Half, {0, 4}, {}}},
  };
  write_safetensors(folder / "t.safetensors", tensors, {{"made by", "pp"}});
  EXPECT_EQ(folder.names(), "t.safetensors ");

  const SafetensorsReader reader(folder / "t.safetensors");
  EXPECT_EQ(reader.metadata().at("made by"), "pp");
  ASSERT_EQ(reader.tensors().size(), tensors.size());
  for (const auto& [name, view] : tensors) {
    const TensorView& read = reader.find(name);
    EXPECT_EQ(read.dtype, view.dtype) << name;
    EXPECT_EQ(read.sizes, view.sizes) << name;
    EXPECT_EQ(as_text(read.bytes), as_text(view.bytes)) << name;
    const auto address = reinterpret_cast<uintptr_t>(read.bytes.data());
    EXPECT_EQ(address % ir::element_size(view.dtype), 0U) << name;
  }
}

// The format has complex64 only.
TEST(Safetensors, StoresOtherComplexTypesAsPairs) {
  const TempFolder folder;
  const std::vector<double> doubles = {1, -2, 3, -4};
  const std::string halves(8, '\x01');
  const std::map<std::string, TensorView> tensors = {
      {"half", {ScalarType::ComplexHalf, {2}, as_bytes(halves)}},
      {"z \"quoted\"",
       {ScalarType::ComplexDouble, {2, 1}, std::as_bytes(std::span(doubles))}},
      {"single",
       {ScalarType::ComplexFloat, {4}, std::as_bytes(std::span(doubles))}},
  };
  write_safetensors(folder / "t.safetensors", tensors, {{"format", "pt"}});
  const SafetensorsReader reader(folder / "t.safetensors");
  EXPECT_EQ(reader.metadata().at("format"), "pt");
  EXPECT_EQ(reader.metadata().at("pp.complex"), R"(["z \"quoted\"","half"])");
  ASSERT_EQ(reader.tensors().size(), tensors.size());
  for (const auto& [name, view] : tensors) {
    const TensorView& read = reader.find(name);
    EXPECT_EQ(read.dtype, view.dtype) << name;
    EXPECT_EQ(read.sizes, view.sizes) << name;
    EXPECT_EQ(as_text(read.bytes), as_text(view.bytes)) << name;
  }
}

TEST(Safetensors, WritesAnEmptyFile) {
  const TempFolder folder;
  write_safetensors(folder / "t", {});
  EXPECT_TRUE(SafetensorsReader(folder / "t").tensors().empty());
}

TEST(Safetensors, RefusesToWriteWhatTheFormatLacks) {
  const TempFolder folder;
  const std::string bytes(16, '\0');
  const auto write = [&](const std::string& name, ScalarType type) {
    return [&, name, type] {
      write_safetensors(folder / "t", {{name, {type, {1}, as_bytes(bytes)}}});
    };
  };
  expect_error(ErrorKind::Runtime, "safetensors reserves that name", [&] {
    write_safetensors(
        folder / "t",
        {{"__metadata__", {ScalarType::Byte, {16}, as_bytes(bytes)}}});
  });
  expect_error(ErrorKind::Runtime, "is not UTF-8", [&] {
    write_safetensors(
        folder / "t", {{"\xff", {ScalarType::Byte, {16}, as_bytes(bytes)}}});
  });
  EXPECT_THROW(write("w", ScalarType::Byte)(), std::logic_error);
  EXPECT_EQ(folder.names(), "");
}

TEST(Safetensors, OffersTheNearestNames) {
  const TempFolder folder;
  const std::string bytes(4, '\0');
  write_safetensors(
      folder / "t", {{"h.0.weight", {ScalarType::Float, {}, as_bytes(bytes)}}});
  const SafetensorsReader reader(folder / "t");
  expect_input_error(
      "tensor 'h.0.wieght' is missing", [&] { reader.find("h.0.wieght"); });
  expect_input_error("'h.0.weight'", [&] { reader.find("h.0.wieght"); });
}

// --- files that are refused ---

struct Case {
  const char* name;
  const char* text;
  std::string content;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

class DamagedSafetensors : public testing::TestWithParam<Case> {};

TEST_P(DamagedSafetensors, IsRefusedWithItsReason) {
  const TempFolder folder;
  const auto path = folder.put("bad", GetParam().content);
  expect_input_error(path.string() + ": ", [&] { SafetensorsReader{path}; });
  expect_input_error(GetParam().text, [&] { SafetensorsReader{path}; });
}

std::string one(const std::string& entry) {
  return "{\"w\":" + entry + "}";
}

const Case kDamage[] = {
    {"Short", "is not a safetensors file: 3 bytes are too few", "abc"},
    {"HeaderPastTheFile",
     "or is truncated: its header should have 1000 bytes",
     [] {
       std::string out;
       append_le<uint64_t>(out, 1000);
       return out + "{}";
     }()},
    {"HeaderBomb",
     "its header should have 18446744073709551615 bytes",
     std::string(8, '\xff') + "{}"},
    {"NotJson", "its header is not a JSON object", file_of("{\"w\":", 0)},
    {"NotAnObject", "its header is not a JSON object", file_of("[1]", 0)},
    {"NotUtf8", "its header is not a JSON object", file_of("{\"\xff\":1}", 0)},
    {"TooDeep",
     "the safetensors header is nested too deep",
     file_of(
         "{\"w\":" + std::string(100000, '[') + std::string(100000, ']') + "}",
         0)},
    {"NameTwice",
     "tensor 'w' appears twice",
     file_of(
         R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
         R"("w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
         1)},
    {"EntryIsNoObject", "tensor 'w' has no dtype", file_of(one("1"), 0)},
    {"NoDtype", "tensor 'w' has no dtype", file_of(one("{}"), 0)},
    {"UnknownDtype",
     "tensor 'w' has dtype 'F4', which is not supported",
     file_of(one(R"({"dtype":"F4","shape":[],"data_offsets":[0,1]})"), 1)},
    {"NoShape",
     "tensor 'w' needs 'shape', a list of integers",
     file_of(one(R"({"dtype":"U8","data_offsets":[0,1]})"), 1)},
    {"NegativeShape",
     "tensor 'w' needs 'shape', a list of integers",
     file_of(one(R"({"dtype":"U8","shape":[-1],"data_offsets":[0,1]})"), 1)},
    {"FractionalShape",
     "a list of integers of 0 or more",
     file_of(one(R"({"dtype":"U8","shape":[1.5],"data_offsets":[0,1]})"), 1)},
    {"HugeShape",
     "a list of integers of 0 or more",
     file_of(
         one(R"({"dtype":"U8","shape":[18446744073709551615],)"
             R"("data_offsets":[0,1]})"),
         1)},
    {"OneOffset",
     "tensor 'w' needs 'shape', a list of integers",
     file_of(one(R"({"dtype":"U8","shape":[1],"data_offsets":[0]})"), 1)},
    {"PastTheEnd",
     "tensor 'w' should be at bytes 0 to 9, but the data section has 8 bytes",
     file_of(one(R"({"dtype":"U8","shape":[9],"data_offsets":[0,9]})"), 8)},
    {"Backwards",
     "tensor 'w' should be at bytes 3 to 1, but the data section has 8 bytes",
     file_of(one(R"({"dtype":"U8","shape":[2],"data_offsets":[3,1]})"), 8)},
    {"WrongSize",
     "tensor 'w' of shape [3] and type float32 cannot have 8 bytes; it needs "
     "12",
     file_of(one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"), 8)},
    {"SizeOverflows",
     "cannot have 8 bytes",
     file_of(
         one(R"({"dtype":"F64","shape":[4611686018427387904,4],)"
             R"("data_offsets":[0,8]})"),
         8)},
    {"Overlap",
     "tensor 'b' overlaps the one before it at byte 4",
     file_of(
         R"({"a":{"dtype":"U8","shape":[6],"data_offsets":[0,6]},)"
         R"("b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
         8)},
    {"Gap",
     "tensor 'b' leaves a gap before it at byte 4",
     file_of(
         R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
         R"("b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
         8)},
    {"Trailing",
     "3 bytes at its end do not belong to any tensor",
     file_of(one(R"({"dtype":"U8","shape":[5],"data_offsets":[0,5]})"), 8)},
    {"MetadataIsNoObject",
     "'__metadata__' is not an object",
     file_of(R"({"__metadata__":3})", 0)},
    {"ComplexNamesAreNoList",
     "'__metadata__' entry 'pp.complex' is not a JSON array of names",
     file_of(R"({"__metadata__":{"pp.complex":"w"}})", 0)},
    {"ComplexNameIsNoText",
     "'__metadata__' entry 'pp.complex' is not a JSON array of names",
     file_of(R"({"__metadata__":{"pp.complex":"[[[1]]]"}})", 0)},
    {"ComplexNameIsUnknown",
     "lists 'w', but the file has no such tensor",
     file_of(R"({"__metadata__":{"pp.complex":"[\"w\"]"}})", 0)},
    {"ComplexNameTwice",
     "lists 'w' as complex, but it is complex128[]",
     file_of(
         R"({"__metadata__":{"pp.complex":"[\"w\",\"w\"]"},)"
         R"("w":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}})",
         16)},
    {"ComplexOfThree",
     "lists 'w' as complex, but it is float64[3]; complex numbers are stored "
     "as floats with a last dimension of 2",
     file_of(
         R"({"__metadata__":{"pp.complex":"[\"w\"]"},)"
         R"("w":{"dtype":"F64","shape":[3],"data_offsets":[0,24]}})",
         24)},
    {"ComplexOfIntegers",
     "lists 'w' as complex, but it is uint8[2]",
     file_of(
         R"({"__metadata__":{"pp.complex":"[\"w\"]"},)"
         R"("w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
         2)},
    {"MetadataIsNoText",
     "'__metadata__' entry 'k' is not a string",
     file_of(R"({"__metadata__":{"k":3}})", 0)},
};

INSTANTIATE_TEST_SUITE_P(
    Every, DamagedSafetensors, testing::ValuesIn(kDamage), [](const auto& row) {
      return std::string(row.param.name);
    });

}  // namespace
}  // namespace pp::test
